//! Options and variables mean what the table of the manual says, and what is wrong with them is said.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::{Duration, Instant};

use crate::common::{
    Ended, Rinit, Role, as_pid1, as_pid1_and_subreaper, fixture, patiently, proc, rinit, wait_until,
};

/// A word with its meaning to be seen, and where it stands.
#[derive(Clone, Copy, Debug)]
enum Given<'a> {
    Words(&'a str),
    Variable(&'a str, &'a str),
}
use Given::{Variable, Words};

#[test]
fn a_variable_that_is_odd_is_named_in_one_warning_and_ignored() {
    as_pid1(|role| {
        for (name, word, warning) in [
            ("TINI_VERBOSITY", "debug", "\"debug\", ignored"),
            ("TINI_VERBOSITY", "-1", "\"-1\", ignored"),
            ("TINI_VERBOSITY", "300", "\"300\", ignored"),
            ("RINIT_GRCE", "5", "RINIT_GRACE may be meant"),
            ("RINIT_PORT", "tcp://10.0.0.1:80", ""),
            ("RINIT_SERVICE_HOST", "10.0.0.1", ""),
        ] {
            let ended = Rinit::new(role).env(name, word).fixture("exit 3").run();
            assert_eq!(ended.status, 3, "{ended:?}");
            let lines = usize::from(!warning.is_empty());
            assert_eq!(ended.stderr.lines().count(), lines, "{ended:?}");
            assert!(ended.stderr.contains(warning), "{ended:?}");
        }
    });
}

#[test]
fn long_options_may_be_abbreviated() {
    as_pid1(|role| {
        let ended = Rinit::new(role).words("--exp 3").fixture("exit 3").run();
        assert_eq!((ended.status, &*ended.stderr), (0, ""), "{ended:?}");
        let ended = Rinit::new(role).words("--verb").fixture("exit 3").run();
        assert!(ended.stderr.contains("started"), "{ended:?}");
    });
}

#[test]
fn an_option_and_more_as_one_word_are_told_apart() {
    as_pid1(|role| {
        let ended = Rinit::new(role).arg("-v sh").run();
        expect_refusal(&ended, "one word");
        assert!(ended.stderr.contains("one word"), "{ended:?}");
    });
}

#[test]
fn what_is_wrong_is_named_in_one_line_and_nothing_is_started() {
    let signal = "TERM or SIGTERM";
    let rewrite = "FROM:TO";
    let duration = "number of seconds";
    let code = "from 0 to 255";
    let flag = "true";
    let cases = [
        (Words("--nonsense"), "--nonsense", "--help"),
        (Words("--nonsense=3"), "--nonsense", "--help"),
        (Words("-x"), "-x", "--help"),
        (Words("-vvx"), "-x", "--help"),
        (Words("-x8s"), "-x", "--help"),
        (Words("-c=1"), "-c=1", "--help"),
        (Words("-t 8 -vc= --grace=9"), "-vc=", "--help"),
        (Words("--single-child=1"), "--single-child", "no value"),
        (Words("--verbose=3"), "--verbose", "no value"),
        (Words("-r TERM"), "TERM", rewrite),
        (Words("-r TERM:"), "TERM:", rewrite),
        (Words("-r :TERM"), ":TERM", rewrite),
        (Words("-r TERM:INT:HUP"), "TERM:INT:HUP", rewrite),
        (Words("-r TERM:65"), "TERM:65", rewrite),
        (Words("-r TERM:-1"), "TERM:-1", rewrite),
        (Words("-r TREM:INT"), "TREM:INT", rewrite),
        (Words("-r 0:INT"), "0:INT", rewrite),
        (Words("-r 65:INT"), "65:INT", rewrite),
        (Words("-r KILL:INT"), "KILL:INT", "STOP"),
        (Words("-r 19:INT"), "19:INT", "STOP"),
        (Words("-r RTMIN+31:INT"), "RTMIN+31:INT", rewrite),
        (Words("-r RTMIN-1:INT"), "RTMIN-1:INT", rewrite),
        (Words("-r RTMAX-31:INT"), "RTMAX-31:INT", rewrite),
        (
            Words("-r INT:HUP -r TERM:INT,HUP:INT"),
            "TERM:INT,HUP:INT",
            rewrite,
        ),
        (Words("--rewrite=TERM"), "TERM", rewrite),
        (Variable("RINIT_REWRITE", "TERM:INT,HUP"), "HUP", rewrite),
        (
            Variable("RINIT_REWRITE", "TERM:INT HUP:INT"),
            "TERM:INT HUP:INT",
            rewrite,
        ),
        (Words("-t 1x"), "1x", duration),
        (Words("-t -1"), "-1", duration),
        (Words("--grace=soon"), "soon", duration),
        (Words("-t 1s30m"), "1s30m", duration),
        (Words("-t 8s8s"), "8s8s", duration),
        (Words("-k 1e3"), "1e3", duration),
        (Words("-t inf"), "inf", duration),
        (
            Words("-k 99999999999999999999999"),
            "99999999999999999999999",
            duration,
        ),
        (Variable("RINIT_GRACE", "soon"), "soon", duration),
        (Variable("RINIT_KILL_AFTER", "1.2.3"), "1.2.3", duration),
        (Words("-e 256"), "256", code),
        (Words("-e -1"), "-1", code),
        (Words("-e3x"), "3x", code),
        (Words("-e 3,4"), "3,4", code),
        (Words("--expect-exit=none"), "none", code),
        (Variable("RINIT_EXPECT_EXIT", "3,256"), "256", code),
        (Variable("RINIT_EXPECT_EXIT", "3;4"), "3;4", code),
        (Words("-p KIL"), "KIL", signal),
        (Words("-p 0"), "0", signal),
        (Words("-p 65"), "65", signal),
        (
            Variable("RINIT_PARENT_DEATH_SIGNAL", "SIGSIGTERM"),
            "SIGSIGTERM",
            signal,
        ),
        (Variable("RINIT_SINGLE_CHILD", "maybe"), "maybe", flag),
        (Variable("RINIT_DAEMON", "2"), "2", flag),
        (Variable("RINIT_ZERO_ON_STOP", "y"), "y", flag),
        (Variable("RINIT_WARN_ON_REAP", "-1"), "-1", flag),
        (Variable("RINIT_QUIET", "quiet"), "quiet", flag),
        (Variable("RINIT_MAKE_ROOM", "never"), "never", flag),
        (Variable("RINIT_VERBOSE", "loud"), "loud", "number"),
        (Variable("RINIT_VERBOSE", "-1"), "-1", "number"),
        (Words("--graec 5"), "--graec", "--grace"),
        (Words("-grace 5"), "-grace", "--grace"),
        (Words("-t 30s1m"), "30s1m", "larger units before"),
        (Words("-t 5min"), "5min", "units of h, m, s"),
        (Words("-r SIGTERM:SIGQIT"), "SIGTERM:SIGQIT", "where TO is"),
        (Words("--forward-to all"), "all", "group, command or auto"),
        (Variable("RINIT_FORWARD_TO", "all"), "all", "auto"),
        (Words("--stop-signal WINC"), "WINC", signal),
        (
            Variable("RINIT_STOP_SIGNAL", "USR1;USR2"),
            "USR1;USR2",
            signal,
        ),
    ];
    as_pid1(|role| {
        for (given, word, allowed) in cases {
            let ended = run(role, given);
            expect_refusal(&ended, &format!("{given:?}"));
            assert!(
                ended.stderr.contains(&format!("{word:?}")),
                "{given:?}: {}",
                ended.stderr
            );
            assert!(
                ended.stderr.contains(allowed),
                "{given:?}: {}",
                ended.stderr
            );
            if let Variable(name, _) = given {
                assert!(ended.stderr.contains(name), "{given:?}: {}", ended.stderr);
            }
        }
    });
}

#[test]
fn a_variable_is_checked_where_the_command_line_wins_too() {
    as_pid1(|role| {
        for (words, name) in [
            ("-c", "RINIT_SINGLE_CHILD"),
            ("-r TERM:INT", "RINIT_REWRITE"),
            ("-t 1", "RINIT_GRACE"),
            ("-e 3", "RINIT_EXPECT_EXIT"),
            ("-v", "RINIT_VERBOSE"),
            ("-v", "RINIT_QUIET"),
            ("-q", "RINIT_VERBOSE"),
        ] {
            let rinit = Rinit::new(role).words(words).env(name, "nonsense");
            let ended = rinit.fixture("say started exit 0").run();
            expect_refusal(&ended, name);
            assert!(ended.stderr.contains(name), "{name}: {}", ended.stderr);
        }
    });
}

#[test]
fn bytes_that_are_no_text_are_refused_and_escaped() {
    as_pid1(|role| {
        let odd = || OsString::from_vec(b"\xff\x1b\n".to_vec());
        let rinit = || Rinit::new(role);
        for (what, rinit) in [
            ("a value", rinit().arg("-r").arg(odd())),
            ("a variable", rinit().env("RINIT_GRACE", odd())),
            ("a flag's variable", rinit().env("RINIT_QUIET", odd())),
            (
                "an option",
                rinit().arg(OsString::from_vec(b"--\xff\x1b\n".to_vec())),
            ),
        ] {
            let ended = rinit.fixture("say started exit 0").run();
            expect_refusal(&ended, what);
            assert!(!ended.stderr.contains('\x1b'), "{what}: {:?}", ended.stderr);
        }
    });
}

#[test]
fn an_option_whose_value_is_missing_is_named() {
    as_pid1(|role| {
        for words in [
            "-r",
            "--rewrite",
            "-t",
            "--grace",
            "-vk",
            "--expect-exit",
            "-v -p",
        ] {
            let ended = Rinit::new(role).words(words).run();
            expect_refusal(&ended, words);
            let name = if words == "-vk" {
                "-k"
            } else {
                words.rsplit(' ').next().expect("a word")
            };
            let long = match name {
                "-r" => "--rewrite",
                "-t" => "--grace",
                "-k" => "--kill-after",
                "-p" => "--parent-death-signal",
                long => long,
            };
            assert!(
                ended.stderr.contains(name) || ended.stderr.contains(long),
                "{words}: {}",
                ended.stderr
            );
        }
    });
}

#[test]
fn without_a_command_the_usage_is_said() {
    as_pid1(|role| {
        for words in ["", "--", "-v", "-v --"] {
            let ended = Rinit::new(role).words(words).run();
            expect_refusal(&ended, words);
            assert!(
                ended.stderr.contains("COMMAND"),
                "{words}: {}",
                ended.stderr
            );
        }
        expect_refusal(&run(role, Words("-P")), "a command beside -P");
    });
}

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
            rinit.says("command got 64 ");
            let said = rinit.stdout.text();
            let got = said
                .lines()
                .find_map(|line| line.strip_prefix("command got "))
                .expect("a signal");
            got.split(' ')
                .next()
                .and_then(|number| number.parse::<i32>().ok())
                .expect("its number")
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
                .fixture("orphan session await daemon 10 exit 3 , exit 0")
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
                .fixture("orphan ignore 15 sleep left , until-eof exit 4")
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
            let rinit = rinit.fixture("ignore 15 sleep command").start();
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
                    rinit.says("command got 12 ");
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
                let got = format!("command got {number} ");
                rinit.stdout.wait_for(word, |text| {
                    (text.matches(&got).count() == count).then_some(())
                });
            }
        }
    });
}

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
            assert_eq!(print(words), include_str!("../../LICENSE"));
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
fn pause_reaps_until_it_is_told_to_stop() {
    as_pid1_and_subreaper(|role| {
        for number in [libc::SIGTERM, libc::SIGINT] {
            for option in ["-P", "--pause"] {
                let mut rinit = Rinit::new(role)
                    .words(option)
                    .before_exec(rinit::fork_a_reader)
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

fn run(role: Role, given: Given) -> Ended {
    let rinit = Rinit::new(role);
    let rinit = match given {
        Words(words) => rinit.words(words),
        Variable(name, value) => rinit.env(name, value),
    };
    rinit.fixture("say started exit 0").run()
}

fn expect_refusal(ended: &Ended, what: &str) {
    assert_eq!(ended.status, 125, "{what}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{what}");
    assert_eq!(ended.stderr.lines().count(), 1, "{what}: {}", ended.stderr);
    assert!(
        ended.stderr.starts_with("rinit: "),
        "{what}: {}",
        ended.stderr
    );
}
