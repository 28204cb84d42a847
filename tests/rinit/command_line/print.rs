//! What is printed instead of running a command, and `--pause`.

use super::expect_refusal;
use crate::common::{Rinit, as_pid1, as_pid1_and_subreaper, before_exec, proc, wait_until};

#[test]
fn help_version_and_license_go_to_standard_output() {
    as_pid1(|role| {
        let print = |words: &str| {
            let ended = Rinit::new(role).words(words).run();
            assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{words}");
            ended.stdout
        };
        for (words, lines) in [
            ("-h", 33),
            ("-vh", 33),
            ("--help", 46),
            ("--help sh -c x", 46),
        ] {
            let help = print(words);
            assert!(help.lines().count() <= lines, "{help}");
            let longest = help.lines().map(|line| line.chars().count()).max();
            assert!(longest < Some(80), "{help}");
            // The examples, among others.
            assert_eq!(help.contains("ENTRYPOINT"), lines == 46, "{help}");
            assert!(help.ends_with('\n') && !help.ends_with("\n\n"), "{help:?}");
            for option in [
                "-c, --single-child",
                "-r, --rewrite",
                "-t, --grace",
                "-k, --kill-after",
                "-d, --daemon",
                "-e, --expect-exit",
                "-z, --zero-on-stop",
                "-p, --parent-death-signal",
                "-w, --warn-on-reap",
                "-P, --pause",
                "-v, --verbose",
                "-q, --quiet",
                "-l, --license",
                "-V, --version",
                "-h, --help",
            ] {
                assert!(help.contains(option), "{option} in {help}");
            }
        }
        for words in ["-V", "--version", "-V sh"] {
            let version = print(words);
            let (number, commit) = version
                .strip_prefix("rinit ")
                .and_then(|rest| rest.strip_suffix('\n'))
                .and_then(|rest| rest.split_once(" - git."))
                .unwrap_or_else(|| panic!("rinit X.Y.Z - git.COMMIT, not {version:?}"));
            assert_eq!(number, env!("CARGO_PKG_VERSION"));
            assert!(
                commit.len() == 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{commit}"
            );
        }
        for words in ["-l", "-L", "--license"] {
            assert_eq!(print(words), include_str!("../../../LICENSE"));
        }
    });
}

#[test]
fn what_cannot_be_printed_is_an_error() {
    as_pid1(|role| {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("a device");
        let ended = Rinit::new(role).words("--help").stdout(full).run();
        expect_refusal(&ended, "--help to a full disk");
    });
}

#[test]
fn pause_reaps_until_it_is_asked_to_stop() {
    as_pid1_and_subreaper(|role| {
        for number in [libc::SIGTERM, libc::SIGINT] {
            for option in ["-P", "--pause"] {
                let mut rinit = Rinit::new(role)
                    .words(option)
                    .before_exec(before_exec::fork_a_reader)
                    .start();
                assert_eq!(proc::children(rinit.pid).len(), 1);
                drop(rinit.stdin.take());
                wait_until("nothing is left", || proc::children(rinit.pid).is_empty());
                for other in [libc::SIGHUP, libc::SIGCHLD, libc::SIGUSR1, 40] {
                    rinit.send(other);
                }
                rinit.wait_until_taken();
                rinit.send(number);
                let ended = rinit.end();
                assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
            }
        }
    });
}

#[test]
fn a_pause_warns_of_a_misspelt_variable_too() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role).env("RINIT_GRCE", "5").words("-P").start();
        rinit.stderr.line("RINIT_GRACE may be meant");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, ended.stderr.lines().count()), (0, 1));
    });
}
