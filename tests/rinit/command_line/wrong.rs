//! What is wrong is named, and nothing is started.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::Given::{Variable, Words};

use super::{expect_refusal, run};
use crate::common::{Rinit, as_pid1};

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
