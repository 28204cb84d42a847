//! Values of options and variables, and which of them wins.

use std::time::{Duration, Instant};

use super::Given::{Variable, Words};

use super::run;
use crate::common::{
    Rinit, Role, as_pid1, as_pid1_and_subreaper, fixture, patiently, proc, signal, wait_until,
};

#[test]
fn good_values_are_taken() {
    let cases = [
        Words("-gs"),
        Words("-g -s -v -q"),
        Words("-t 0"),
        Words("-t8"),
        Words("-t 1.5"),
        Words("-t500ms"),
        Words("--grace=8s"),
        Words("--grace 2m"),
        Words("-k 1m30s"),
        Words("--kill-after=0.5"),
        Words("-d"),
        Words("-z"),
        Words("-cdz"),
        Words("-wce0"),
        Words("-p TERM -p9"),
        Words("-p rtmax-3"),
        Words("-r TERM:KILL -r 1:STOP -r 32:33"),
        Words(
            "--single-child --daemon --zero-on-stop --warn-on-reap --quiet --parent-death-signal HUP",
        ),
        Words("-t 1s -t 2s -e 7 -e 7 -cc -dd -zz -ww -qq"),
        Variable("RINIT_GRACE", "1m30s"),
        Variable("RINIT_KILL_AFTER", "10"),
        Variable("RINIT_REWRITE", "TERM:INT,15:0"),
        Variable("RINIT_EXPECT_EXIT", "7"),
        Variable("RINIT_PARENT_DEATH_SIGNAL", "sigkill"),
        Variable("RINIT_DAEMON", "no"),
        Variable("RINIT_VERBOSE", "0"),
        Variable("TINI_SUBREAPER", ""),
        Variable("TINI_KILL_PROCESS_GROUP", "1"),
        Variable("TINI_VERBOSITY", "1"),
        // As compose files pass on what is not set.
        Variable("RINIT_GRACE", ""),
        Variable("RINIT_REWRITE", ""),
        Variable("RINIT_EXPECT_EXIT", ""),
        Variable("RINIT_SINGLE_CHILD", ""),
        Variable("RINIT_VERBOSE", ""),
    ];
    as_pid1_and_subreaper(|role| {
        for given in cases {
            let ended = run(role, given);
            assert_eq!(
                (ended.status, ended.stdout.as_str()),
                (0, "started\n"),
                "{given:?}: {}",
                ended.stderr
            );
            assert_eq!(ended.stderr, "", "{given:?}");
        }
    });
}

#[test]
fn options_end_at_the_first_word_that_is_none() {
    as_pid1_and_subreaper(|role| {
        let fixture = fixture();
        let run = |before: &str, after: &str| {
            let ended = Rinit::new(role)
                .words(before)
                .arg(&fixture)
                .words(after)
                .run();
            (ended.status, ended.stdout)
        };
        for before in ["", "--", "-g", "-g --", "-e 9", "-e9 --"] {
            // The fixture says what it was given.
            assert_eq!(
                run(before, "say -e say --version exit 4"),
                (4, "-e\n--version\n".to_owned()),
                "{before}"
            );
            assert_eq!(
                run(before, "say -- exit 4"),
                (4, "--\n".to_owned()),
                "{before}"
            );
        }
        // Behind the `--` a word that looks like an option is the command.
        let ended = Rinit::new(role).words("-- -v").run();
        assert_eq!(ended.status, 127, "{}", ended.stderr);
        assert!(ended.stderr.contains("-v"), "{}", ended.stderr);
    });
}

#[test]
fn the_command_sees_all_of_the_environment() {
    as_pid1_and_subreaper(|role| {
        let ended = Rinit::new(role)
            .env("RINIT_GRACE", "8s")
            .env("TINI_VERBOSITY", "1")
            .fixture("env RINIT_GRACE env TINI_VERBOSITY exit 0")
            .run();
        assert_eq!(ended.stdout, "RINIT_GRACE=8s\nTINI_VERBOSITY=1\n");
    });
}

#[test]
fn a_flags_variable_is_on_or_off_and_the_command_line_wins() {
    as_pid1_and_subreaper(|role| {
        let single = |rinit: Rinit| !rinit.reaches_children();
        let with = |variables: &[(&str, &str)]| {
            single(
                variables
                    .iter()
                    .fold(Rinit::new(role), |rinit, (name, value)| {
                        rinit.env(name, value)
                    }),
            )
        };
        assert!(!with(&[]));
        for on in ["1", "true", "yes", "on"] {
            assert!(with(&[("RINIT_SINGLE_CHILD", on)]), "{on}");
        }
        for off in ["0", "false", "no", "off", ""] {
            assert!(!with(&[("RINIT_SINGLE_CHILD", off)]), "{off:?}");
        }
        assert!(
            single(Rinit::new(role).words("-c").env("RINIT_SINGLE_CHILD", "0")),
            "the command line wins"
        );
        assert!(single(Rinit::new(role).words("-vvc")), "in a cluster");
        assert!(with(&[("DUMB_INIT_SETSID", "0")]));
        assert!(!with(&[("DUMB_INIT_SETSID", "1")]));
        assert!(
            !with(&[("DUMB_INIT_SETSID", "0"), ("RINIT_SINGLE_CHILD", "0")]),
            "rinit's own wins"
        );
    });
}

#[test]
fn rewrites_come_from_the_environment_unless_the_command_line_has_some() {
    as_pid1_and_subreaper(|role| {
        let rewritten = |rinit: Rinit, sent: i32| {
            let rinit = rinit.fixture("record command").start();
            rinit.ready("command");
            rinit.send(sent);
            rinit.send(64);
            rinit.says("command got RTMIN+30 ");
            let said = rinit.stdout.text();
            let got = said
                .lines()
                .find_map(|line| line.strip_prefix("command got "))
                .expect("a signal");
            got.split(' ').next().map(signal::named).expect("its name")
        };
        let rinit = || Rinit::new(role).env("RINIT_REWRITE", "TERM:INT,HUP:0,RTMAX-1:34");
        assert_eq!(rewritten(rinit(), 15), 2);
        assert_eq!(rewritten(rinit(), 1), 64, "dropped");
        assert_eq!(rewritten(rinit(), 63), 34);
        assert_eq!(
            rewritten(rinit().words("-r TERM:USR1"), 15),
            10,
            "the command line wins"
        );
        assert_eq!(
            rewritten(Rinit::new(role).words("-r TERM:INT -r TERM:HUP"), 15),
            1,
            "the last one holds"
        );
    });
}

#[test]
fn each_option_and_its_variable_do_the_same() {
    as_pid1_and_subreaper(|role| {
        let both = |option: &str, variable: &str, value: &str, act: &dyn Fn(Rinit)| {
            act(Rinit::new(role).words(option));
            act(Rinit::new(role).env(variable, value));
        };
        both("-z", "RINIT_ZERO_ON_STOP", "yes", &|rinit| {
            let rinit = rinit.fixture("sleep command").start();
            rinit.ready("command");
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, 0);
        });
        both("-d", "RINIT_DAEMON", "on", &|rinit| {
            let rinit = rinit
                .fixture("orphan session await daemon USR1 exit 3 , exit 0")
                .start();
            rinit.ready("daemon");
            wait_until("the command is gone", || {
                proc::children(rinit.pid).len() == 1
            });
            rinit.send(libc::SIGUSR1);
            assert_eq!(rinit.end().status, 3, "the daemon's");
        });
        both("-t 0.1", "RINIT_GRACE", "100ms", &|rinit| {
            let mut rinit = rinit
                .fixture("orphan ignore TERM sleep left , until-eof exit 4")
                .start();
            rinit.ready("left");
            let start = Instant::now();
            drop(rinit.stdin.take());
            let ended = rinit.end();
            assert!(
                start.elapsed() < patiently(Duration::from_secs(10)),
                "which it would be without"
            );
            assert_eq!(ended.status, 4);
            assert!(
                ended.stderr.contains("fixture"),
                "who was killed is named: {}",
                ended.stderr
            );
        });
        both("-k 0.1", "RINIT_KILL_AFTER", "100ms", &|rinit| {
            let rinit = rinit.fixture("ignore TERM sleep command").start();
            rinit.ready("command");
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, 128 + libc::SIGKILL);
        });
        both("-w", "RINIT_WARN_ON_REAP", "true", &|rinit| {
            let rinit = rinit.fixture("orphan exit 3 , sleep command").start();
            let line = rinit.complains("fixture");
            assert!(line.starts_with("rinit: ") && line.contains('3'), "{line}");
        });
        both(
            "-p USR2",
            "RINIT_PARENT_DEATH_SIGNAL",
            "sigusr2",
            &|rinit| {
                if role == Role::Pid1 {
                    let mut rinit = rinit.fixture("record command").start();
                    rinit.ready("command");
                    rinit.outside.kill().expect("rinit's parent lives");
                    rinit.says("command got USR2 ");
                }
            },
        );
    });
}

#[test]
fn every_way_to_write_a_signal_is_understood() {
    let names = "HUP INT QUIT ILL TRAP ABRT BUS FPE - USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT - TSTP TTIN TTOU \
                 URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS";
    let named = names
        .split_whitespace()
        .zip(1..)
        .filter(|(name, _)| *name != "-");
    let written: Vec<(String, i32)> = named
        .flat_map(|(name, number)| {
            [
                name.to_owned(),
                format!("SIG{name}"),
                format!("sig{}", name.to_lowercase()),
                number.to_string(),
            ]
            .map(|word| (word, number))
        })
        .chain((0..=30).flat_map(|n| {
            [
                (format!("RTMIN+{n}"), 34 + n),
                (format!("sigrtmax-{n}"), 64 - n),
            ]
        }))
        .chain([
            ("RTMIN".to_owned(), 34),
            ("SIGRTMAX".to_owned(), 64),
            ("32".to_owned(), 32),
            ("33".to_owned(), 33),
        ])
        .chain([
            ("POLL".to_owned(), 29),
            ("iot".to_owned(), 6),
            ("CLD".to_owned(), 17),
        ])
        .collect();
    as_pid1(|role| {
        // All in one rinit: each is tried as what a dozen signals are rewritten to.
        for words in written.chunks(12) {
            let options = words
                .iter()
                .enumerate()
                .fold(Rinit::new(role), |rinit, (index, (word, _))| {
                    rinit.arg("-r").arg(format!("{}:{word}", 50 + index))
                });
            let rinit = options.fixture("record command").start();
            rinit.ready("command");
            for (index, (word, number)) in words.iter().enumerate() {
                rinit.send(50 + i32::try_from(index).expect("a small number"));
                let count = words[..=index]
                    .iter()
                    .filter(|(_, other)| other == number)
                    .count();
                let got = format!("command got {} ", signal::name(*number));
                rinit.stdout.wait_for(word, |text| {
                    (text.matches(&got).count() == count).then_some(())
                });
            }
        }
    });
}
