//! Where a request to stop cannot reach rinit, since the shell above it is process 1, rinit says so at its start.

use crate::common::{
    Directory, Rinit, Role, as_pid1, as_subreaper, binary, find_program, fixture, skip,
};

/// What is said where a shell is process 1 that runs this script, in which `$rinit` is rinit with a command that
/// ends at once.
fn said_under(role: Role, script: &str) -> String {
    let command = format!("{} -- {} exit 7", binary().display(), fixture().display());
    let script = script.replace("$rinit", &command);
    let shell = Rinit::program(role, "/bin/sh".as_ref());
    let ended = shell.arg("-c").arg(script).run();
    assert_eq!(ended.status, 7, "{}", ended.stderr);
    ended.stderr
}

#[test]
fn a_shell_that_waits_for_rinit_is_named_with_the_cure() {
    as_pid1(|role| {
        let said = said_under(role, "$rinit; exit $?");
        let lines: Vec<&str> = said.lines().collect();
        let [first, cure] = lines[..] else {
            panic!("{said}");
        };
        let what = "rinit: process 1 (\"sh\") does not handle SIGTERM";
        assert!(first.starts_with(what), "{said}");
        assert!(cure.contains("ENTRYPOINT [\"rinit\""), "{said}");
        assert!(cure.contains("exec rinit"), "{said}");
    });
}

#[test]
fn a_shell_that_minds_the_signal_is_left_in_peace() {
    as_pid1(|role| {
        for script in [
            "exec $rinit",
            "trap : TERM; $rinit; exit $?",
            "trap '' TERM; $rinit; exit $?",
            "export RINIT_QUIET=1; $rinit; exit $?",
        ] {
            assert_eq!(said_under(role, script), "", "{script}");
        }
    });
}

/// The script's name is the shell's then.
#[test]
fn a_script_without_exec_is_named_too() {
    as_pid1(|role| {
        let directory = Directory::new("entrypoint");
        let script = format!("#!/bin/sh\n{} -- true\nexit 7\n", binary().display());
        let script = directory.executable("start-it", script);
        let ended = Rinit::program(role, &script).run();
        let said = ended.stderr;
        assert!(
            said.starts_with("rinit: process 1 (\"start-it\") does not"),
            "{said}"
        );
    });
}

#[test]
fn other_inits_pass_signals_on() {
    as_pid1(|role| {
        for init in ["tini", "dumb-init", "catatonit"] {
            let Some(init) = find_program(init) else {
                skip(&format!("{init} is not installed: apt install {init}"));
                continue;
            };
            let nested = Rinit::program(role, &init).arg("--").arg(binary());
            let ended = nested.fixture("exit 7").run();
            assert_eq!((ended.status, &*ended.stderr), (7, ""), "{init:?}");
        }
        let ended = Rinit::new(role)
            .arg("--")
            .arg(binary())
            .fixture("exit 7")
            .run();
        assert_eq!((ended.status, &*ended.stderr), (7, ""));
    });
}

#[test]
fn who_is_not_a_child_of_process_1_may_be_reached_by_its_parent() {
    as_subreaper(|role| {
        assert_eq!(said_under(role, "$rinit; exit $?"), "");
    });
}
