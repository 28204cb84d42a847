//! The command has the terminal from its start, whoever had it before has it again, and none is needed.

use std::fs;

use super::{SCRIPT, alone, in_a_shell, in_every_way};
use crate::common::terminal::CTRL_C;
use crate::common::{Directory, Terminal, as_pid1_and_subreaper, proc, signal, wait_until};

#[test]
fn the_command_holds_the_terminal_from_its_start() {
    for _ in 0..20 {
        in_every_way("fixture held exit 0", 0, |terminal| {
            terminal.expect("held true");
        });
    }
}

#[test]
fn a_terminal_is_given_back_each_time() {
    let line = "sh -c 'for i in $(seq 100); do $RINIT fixture held exit 0; done; $RINIT none; read line; echo $line'";
    in_a_shell(line, 0, |terminal| {
        for _ in 0..100 {
            terminal.expect("held true");
        }
        terminal.expect("rinit: ");
        terminal.enter("hello");
        terminal.expect("hello");
    });
}

#[test]
fn a_script_that_ran_rinit_has_the_terminal_again() {
    in_a_shell(SCRIPT, 0, |terminal| {
        let command = terminal.ready("reader");
        let script = proc::parent(proc::parent(command));
        assert!(terminal.is_held_by(command));
        terminal.press(CTRL_C);
        terminal.expect("status 130");
        assert!(terminal.is_held_by(script));
        terminal.enter("hello");
        terminal.expect("script hello");
    });
}

/// getpgrp(2) and tcgetpgrp(3) both give 0 there.
#[test]
fn nothing_is_taken_where_rinits_group_cannot_be_seen() {
    let line =
        "unshare --pid --fork --mount-proc $RINIT fixture held await COMMAND USR1 read reader";
    in_a_shell(line, 130, |terminal| {
        terminal.expect("held false");
        let command = terminal.ready("COMMAND");
        let rinit = proc::parent(command);
        assert!(terminal.is_held_by(rinit));
        signal::send(command, libc::SIGUSR1).expect("a living command");
        terminal.ready("reader");
        proc::wait_until_idle(rinit);
        assert!(terminal.is_held_by(rinit));
        terminal.press(CTRL_C);
    });
}

#[test]
fn a_terminal_that_goes_away_is_no_end() {
    as_pid1_and_subreaper(|role| {
        // Without it as standard input the terminal is not handed over, and only rinit tells the command.
        for stdin in ["/dev/tty", "/dev/null"] {
            let directory = Directory::new(&format!("hang-up-{role:?}"));
            let file = directory.path().join("said");
            let line = format!(
                "exec $RINIT fixture into {} record NAME <{stdin}",
                file.display()
            );
            let said = |text: &str| {
                wait_until(&format!("the command says {text:?}"), || {
                    fs::read_to_string(&file).is_ok_and(|said| said.contains(text))
                });
            };
            let terminal = Terminal::run(role, &line);
            said("ready NAME ");
            let rinit = terminal.hang_up();
            said("got HUP ");
            proc::wait_until_idle(rinit.pid);
            rinit.send(libc::SIGTERM);
            said("got TERM ");
            let command = proc::children(rinit.pid)[0];
            signal::send(command, libc::SIGKILL).expect("a living command");
            assert_eq!(rinit.end().status, 137);
        }
    });
}

#[test]
fn a_terminal_that_cannot_be_handed_over_is_no_error() {
    let what = "exit 3";
    alone(&format!("fixture {what} <&- >&- 2>&-"), 3, |_| ());
    // Not the controlling terminal of its session.
    in_a_shell(
        &format!("setsid --wait $RINIT fixture {what}"),
        3,
        |terminal| {
            assert_eq!(terminal.prompt(), "");
            terminal.enter("(exit $?)");
        },
    );
    // Gone.
    as_pid1_and_subreaper(|role| {
        let line = format!("trap '' HUP; echo ready; read line; exec $RINIT fixture {what}");
        let mut terminal = Terminal::run(role, &line);
        terminal.expect("ready");
        assert_eq!(terminal.hang_up().end().status, 3);
    });
}
