//! A container that `docker stop` ends after ten seconds: before that, `docker logs` tells why, and so
//! does what `kubectl describe pod` shows.

use std::fs::{self, File};
use std::thread;

use crate::common::engine::{self, Image};
use crate::common::{Directory, binary, fixture};

/// Options of the engine's, the words, and what is said of them and of what to do.
const HELD_UP: [(&[&str], &[&str], &str, &str); 7] = [
    (
        &[],
        &["--", "/fixture", "ignore", "TERM", "sleep", "app"],
        ") ignores SIGTERM",
        "have the program handle SIGTERM",
    ),
    (
        &[],
        &[
            "--",
            "env",
            "--block-signal=TERM",
            "/fixture",
            "sleep",
            "app",
        ],
        ") blocks SIGTERM",
        "have the program handle SIGTERM",
    ),
    (
        &[],
        &[
            "--",
            "sh",
            "-c",
            "trap 'sleep 1; kill -STOP $$' TERM; /fixture say ready exit 0; while :; do sleep 0.1; done",
        ],
        ") is stopped",
        "continue it, in the container: kill -CONT ",
    ),
    (
        // The engine's own profile may refuse the fixture a clone3(2).
        &["--security-opt", "seccomp=unconfined"],
        &[
            "--", "/fixture", "catch", "TERM", "vfork", "session", "sleep", "child", ",", "exit",
            "0",
        ],
        ") is stuck in the kernel",
        "it waits for a disk, a network file system or a device",
    ),
    (
        &["--cap-add", "SYS_ADMIN"],
        &[
            "--", "unshare", "--pid", "--fork", "/fixture", "sleep", "app",
        ],
        ") is process 1 of a namespace of its own, and has no handler for SIGTERM",
        "start it there under an init (unshare --pid --fork rinit -- app)",
    ),
    (
        &[],
        &[
            "-c", "--", "/fixture", "fork", "sleep", "child", ",", "linger", "app", "TERM",
            "60000", "exit", "0",
        ],
        ") has not been sent SIGTERM, which goes to the command alone",
        "to signal the whole group: rinit --forward-to group",
    ),
    (
        &[],
        &[
            "--", "/fixture", "linger", "app", "TERM", "60000", "exit", "0",
        ],
        ") has received SIGTERM but has not finished",
        "give it more time: docker stop -t 60",
    ),
];

#[test]
fn the_reason_is_in_the_log_before_the_engine_kills() {
    let Some(base) = engine::debian() else { return };
    let context = Directory::new("held-up");
    context.copy(&binary(), "rinit");
    context.copy(&fixture(), "fixture");
    let dockerfile = format!(
        "FROM {base}\nCOPY rinit /sbin/rinit\nCOPY fixture /fixture\nENTRYPOINT [\"/sbin/rinit\"]\n"
    );
    context.executable("Dockerfile", dockerfile);
    let image = Image::build(&[], context.path());
    thread::scope(|scope| {
        for (options, words, said, cure) in HELD_UP {
            let image = &image;
            scope.spawn(move || {
                let directory = Directory::new("termination-log");
                let shown = directory.path().join("log");
                File::create(&shown).expect("a file, as the kubelet mounts one");
                let mount = format!("{}:/dev/termination-log", shown.display());
                let options = [options, &["--volume", &mount]].concat();
                let container = image.start_words(&options, words);
                container.says("ready");
                container.docker("stop", &[]);
                let ended = container.end();
                assert_eq!(ended.status, 137, "{ended:?}");
                let log = ended.stderr;
                let line = log.lines().find(|line| line.contains("still running 5 s"));
                assert!(
                    line.is_some_and(|line| line.contains(said)),
                    "{said} is not in:\n{log}"
                );
                assert!(log.contains(cure), "{cure} is not in:\n{log}");
                let shown = fs::read_to_string(&shown).expect("it is there");
                assert!(
                    !shown.is_empty() && log.ends_with(&shown),
                    "{shown}:\n{log}"
                );
            });
        }
    });
}
