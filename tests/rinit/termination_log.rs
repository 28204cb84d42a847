//! What rinit says of a failure is where Kubernetes looks for it too, unless somebody else has written there.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::{Directory, Ended, Rinit, Role, as_pid1, as_pid1_and_subreaper};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// An empty file, as the kubelet mounts it.
fn with_log(test: impl Fn(Role, &Path)) {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new("termination-log");
        let path = directory.path().join("log");
        File::create(&path).expect("a file");
        test(role, &path);
    });
}

fn rinit(role: Role, log: &Path) -> Rinit {
    Rinit::new(role).env("RINIT_TERMINATION_LOG", log)
}

fn read(log: &Path) -> String {
    fs::read_to_string(log).expect("a file")
}

fn is_told_everywhere(ended: &Ended, log: &Path) {
    assert!(ended.stderr.starts_with("rinit: "), "{}", ended.stderr);
    assert_eq!(read(log), ended.stderr);
}

#[test]
fn a_command_that_cannot_be_started_is_explained_there() {
    with_log(|role, log| is_told_everywhere(&rinit(role, log).arg("./no-such-file").run(), log));
}

#[test]
fn a_death_is_explained_there() {
    with_log(|role, log| is_told_everywhere(&rinit(role, log).script("kill -USR1 $$").run(), log));
}

#[test]
fn wrong_usage_is_explained_there() {
    with_log(|role, log| {
        let ended = rinit(role, log).words("--no-such-option true").run();
        assert_eq!(ended.status, 125);
        is_told_everywhere(&ended, log);
    });
}

#[test]
fn what_had_to_be_killed_is_named_there() {
    with_log(|role, log| {
        let ended = rinit(role, log)
            .words("-t 0.1")
            .script("trap '' TERM; sleep 1000 & exit 0")
            .run();
        assert!(ended.stderr.contains("SIGKILL"), "{}", ended.stderr);
        assert!(read(log).contains("SIGKILL"), "{}", read(log));
    });
}

#[test]
fn the_option_wins_over_the_variable_and_an_empty_one_means_nowhere() {
    with_log(|role, log| {
        let option = |rinit: Rinit, value: &str| {
            rinit
                .arg("--termination-log")
                .arg(value)
                .arg("./no-such-file")
                .run()
        };
        option(rinit(role, log), "");
        assert_eq!(read(log), "");
        let path = log.to_str().expect("UTF-8");
        let ended = option(Rinit::new(role).env("RINIT_TERMINATION_LOG", ""), path);
        is_told_everywhere(&ended, log);
    });
}

#[test]
fn a_clean_run_and_what_verbose_logs_leave_no_trace() {
    with_log(|role, log| {
        let ended = rinit(role, log).words("-vvv -w").fixture("exit 7").run();
        assert!(
            ended.stderr.contains("exited with status 7"),
            "{}",
            ended.stderr
        );
        assert_eq!(read(log), "");
    });
}

#[test]
fn what_the_application_has_written_is_never_touched() {
    with_log(|role, log| {
        let script = format!("echo 'its own reason' >{}; kill -USR1 $$", log.display());
        let ended = rinit(role, log).script(&script).run();
        assert!(ended.stderr.contains("SIGUSR1"), "{}", ended.stderr);
        assert_eq!(read(log), "its own reason\n");
    });
}

#[test]
fn it_is_never_created_and_never_anything_but_a_regular_file() {
    as_pid1(|role| {
        let directory = Directory::new("no-termination-log");
        let [absent, target, link, fifo, relative] =
            ["absent", "target", "link", "fifo", "relative"]
                .map(|name| directory.path().join(name));
        File::create(&target).expect("a file");
        File::create(&relative).expect("a file");
        symlink(&target, &link).expect("a link");
        mkfifo(&fifo, Mode::S_IRWXU).expect("a pipe");
        for path in [
            &absent,
            &link,
            &fifo,
            Path::new("/dev/full"),
            directory.path(),
        ] {
            let ended = rinit(role, path).arg("./no-such-file").run();
            assert_eq!(ended.status, 127, "{path:?}");
        }
        assert!(!absent.exists());
        assert_eq!(read(&target), "");
        let ended = rinit(role, Path::new("relative"))
            .directory(directory.path())
            .arg("true")
            .run();
        assert_eq!(ended.status, 125);
        assert!(
            ended.stderr.contains("an absolute path"),
            "{}",
            ended.stderr
        );
        assert_eq!(read(&relative), "");
    });
}
