//! The exit status is the command's, and 125 to 127 tell why there was none.

use crate::common::seccomp::refuse;
use crate::common::{Directory, Rinit, Role, as_pid1_and_subreaper, signal};
use nix::sys::resource::{Resource, setrlimit};

#[test]
fn every_exit_status_is_handed_on() {
    as_pid1_and_subreaper(|role| {
        for status in 0..=255 {
            let ended = Rinit::new(role).fixture(&format!("exit {status}")).run();
            assert_eq!(ended.status, status);
            assert_eq!(ended.stderr, "", "a clean run prints nothing");
        }
    });
}

#[test]
fn every_deadly_signal_gives_128_and_its_number() {
    as_pid1_and_subreaper(|role| {
        for number in signal::deadly() {
            let ended = without_core(role)
                .fixture(&format!("die {}", signal::name(number)))
                .run();
            assert_eq!(ended.status, 128 + number, "{}", ended.stderr);
        }
    });
}

#[test]
fn a_core_dump_does_not_change_the_status() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("core-{role:?}"));
        let ended = Rinit::new(role)
            .directory(directory.path())
            .before_exec(|| {
                Ok(setrlimit(
                    Resource::RLIMIT_CORE,
                    libc::RLIM_INFINITY,
                    libc::RLIM_INFINITY,
                )?)
            })
            .fixture("die SEGV")
            .run();
        assert_eq!(ended.status, 128 + libc::SIGSEGV, "{}", ended.stderr);
    });
}

#[test]
fn an_expected_status_becomes_0() {
    as_pid1_and_subreaper(|role| {
        let status = |rinit: Rinit, words: &str| rinit.fixture(words).run().status;
        let options = || without_core(role).words("-e 3 --expect-exit 143 --expect-exit=255 -e137");
        let environment = || without_core(role).env("RINIT_EXPECT_EXIT", "3,143,255,137");
        for (words, expected) in [
            ("exit 3", 0),
            ("exit 143", 0),
            ("die TERM", 0),
            ("exit 255", 0),
            ("die KILL", 0),
            ("exit 4", 4),
            ("exit 15", 15),
            ("die HUP", 129),
            ("exit 0", 0),
        ] {
            assert_eq!(status(options(), words), expected, "{words}");
            assert_eq!(
                status(environment(), words),
                expected,
                "{words}, by the environment"
            );
        }
    });
}

#[test]
fn a_command_that_is_not_there_gives_127_and_one_that_cannot_run_126() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("status-{role:?}"));
        let file = directory.path().join("not-executable");
        std::fs::write(&file, "").expect("a file");
        assert_eq!(Rinit::new(role).arg("/nowhere/command").run().status, 127);
        assert_eq!(Rinit::new(role).arg("no-such-command").run().status, 127);
        assert_eq!(Rinit::new(role).arg(file).run().status, 126);
        assert_eq!(Rinit::new(role).arg(directory.path()).run().status, 126);
        // Nothing expected those.
        assert_eq!(
            Rinit::new(role).words("-e 1 no-such-command").run().status,
            127
        );
    });
}

#[test]
fn a_fork_that_fails_gives_125() {
    as_pid1_and_subreaper(|role| {
        for errno in [libc::EAGAIN, libc::ENOMEM] {
            let ended = Rinit::new(role)
                .before_exec(move || refuse(&[libc::SYS_clone, libc::SYS_clone3], errno))
                .fixture("say started exit 0")
                .run();
            assert_eq!(ended.status, 125, "{}", ended.stderr);
            assert_eq!(ended.stdout, "");
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            assert!(ended.stderr.starts_with("rinit: "), "{}", ended.stderr);
        }
    });
}

/// So that nothing has to be written where the tests run.
fn without_core(role: Role) -> Rinit {
    Rinit::new(role).before_exec(|| Ok(setrlimit(Resource::RLIMIT_CORE, 0, 0)?))
}
