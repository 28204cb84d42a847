//! How often the last words of a script reach their filter, with rinit and with others in its place.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Directory, Rinit, Role, as_pid1, binary, find_program};

const TRIES: usize = 20;

/// Scripts that end by themselves, and what comes last.
const BY_THEMSELVES: [(&str, &str); 3] = [
    (
        "exec > >(tee -a /dev/null) 2>&1; echo 'FATAL: why'; exit 3",
        "FATAL: why",
    ),
    (
        "exec > >(while read -r line; do echo \"got $line\"; done); for i in {1..300}; do echo $i; done; exit 3",
        "got 300",
    ),
    (
        "exec > >(sed s/^/got-/ | cat); for i in {1..2000}; do echo $i; done; exit 3",
        "got-2000",
    ),
];

/// Applications that are asked to stop, and save their work once they have said so.
const STOPPED: [&str; 2] = [
    "exec > >(tee -a /dev/null); exec APP",
    "APP 2>&1 | tee -a /dev/null",
];

const APP: &str = r#"bash -c 'trap "for i in 1 2 3 4 5; do echo cleanup \$i; sleep 0.02; done; exit" TERM; echo started; while :; do sleep 0.01; done'"#;

/// No more than this is waited for an end: bash as process 1 heeds no signal.
const PATIENCE: Duration = Duration::from_secs(1);

#[test]
fn filters_lose_no_last_words_beside_other_inits() {
    as_pid1(|role| {
        let directory = Directory::new("swapped");
        directory.copy(&binary(), "docker-init");
        let inits = [
            ("no init", Some(PathBuf::from("/bin/bash"))),
            ("tini", find_program("tini")),
            ("dumb-init", find_program("dumb-init")),
            ("rinit", Some(binary())),
            (
                "rinit as docker-init",
                Some(directory.path().join("docker-init")),
            ),
        ];
        println!("last words kept in {TRIES} runs:");
        // Nobody is signalled: it makes no difference whom rinit would.
        for (script, last) in BY_THEMSELVES {
            compare(script, &inits[..4], |init| {
                says_all(role, init, script, last)
            });
        }
        for script in STOPPED {
            compare(script, &inits, |init| is_stopped(role, init, script));
        }
    });
}

/// Prints how often it went well with each init that is there. With rinit it always does.
fn compare(script: &str, inits: &[(&str, Option<PathBuf>)], went_well: impl Fn(&Path) -> bool) {
    println!("  {script}");
    for (name, program) in inits {
        let Some(program) = program else { continue };
        let kept = (0..TRIES).filter(|_| went_well(program)).count();
        println!("    {name:20} {kept:2}");
        let is_rinit = name.starts_with("rinit");
        assert!(kept == TRIES || !is_rinit, "{name}, {script}: kept {kept}");
    }
}

fn says_all(role: Role, init: &Path, script: &str, last: &str) -> bool {
    bash(role, init, script).run().stdout.contains(last)
}

fn is_stopped(role: Role, init: &Path, script: &str) -> bool {
    let mut running = bash(role, init, &script.replace("APP", APP)).start();
    running.says("started");
    running.send(libc::SIGTERM);
    let asked = Instant::now();
    let said = loop {
        if matches!(running.outside.try_wait(), Ok(Some(_))) {
            break running.end().stdout;
        }
        if asked.elapsed() > PATIENCE {
            break running.stdout.text();
        }
        thread::sleep(Duration::from_millis(5));
    };
    said.contains("cleanup 5")
}

/// As process 1, or behind what is.
fn bash(role: Role, init: &Path, script: &str) -> Rinit {
    let command = Rinit::program(role, init);
    let command = if init.ends_with("bash") {
        command
    } else {
        command.words("-- bash")
    };
    command.arg("-c").arg(script)
}
