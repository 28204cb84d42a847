//! The terminal is the command's while it runs, and afterwards theirs who had it before. Job control works as if
//! rinit were not there.

mod background;
mod handed_over;
mod leftovers;
mod pipeline;
mod suspended;

use crate::common::terminal::{CTRL_C, CTRL_D, CTRL_Z, SHELL};
use crate::common::{Terminal, as_pid1_and_subreaper, as_subreaper};

/// Runs a command under a rinit that leads the session of the terminal, so that nobody could continue it. It shall end
/// with `status`.
fn alone(command: &str, status: i32, test: impl Fn(&mut Terminal)) {
    as_pid1_and_subreaper(|role| {
        let mut terminal = Terminal::run(role, &format!("exec $RINIT {command}"));
        test(&mut terminal);
        assert_eq!(terminal.end(), status);
    });
}

/// Runs a line in an interactive shell, where `$RINIT` is rinit. It shall end with `status`.
fn in_a_shell(line: &str, status: i32, test: impl Fn(&mut Terminal)) {
    as_subreaper(|role| {
        let mut terminal = Terminal::run(role, &format!("exec {SHELL}"));
        terminal.prompt();
        terminal.enter(line);
        test(&mut terminal);
        terminal.prompt();
        terminal.enter("exit $?");
        assert_eq!(terminal.end(), status);
    });
}

/// Runs a command alone, as a shell's job, and as a shell's job that is a PID namespace with rinit as its PID 1.
fn in_every_way(command: &str, status: i32, test: impl Fn(&mut Terminal)) {
    alone(command, status, &test);
    in_a_shell(&format!("$RINIT {command}"), status, &test);
    let namespace = "unshare --pid --fork --mount-proc fixture take exec";
    in_a_shell(&format!("{namespace} $RINIT {command}"), status, &test);
}

/// Ctrl-Z, which the shell notices.
fn suspend(terminal: &mut Terminal) {
    terminal.press(CTRL_Z);
    terminal.expect("Stopped");
    terminal.prompt();
}

/// Types a line that the reader of that name gets.
fn type_to(terminal: &mut Terminal, reader: &str, line: &str) {
    terminal.enter(line);
    terminal.expect(&format!("{reader} read {line}"));
}

/// Nobody could continue that reader, which says when it is continued.
fn goes_on_after_ctrl_z(terminal: &mut Terminal, reader: &str) {
    for line in ["one", "two"] {
        terminal.press(CTRL_Z);
        terminal.expect(&format!("{reader} got CONT"));
        type_to(terminal, reader, line);
    }
}

/// Runs rinit, and reads from the terminal afterwards.
const SCRIPT: &str =
    r#"sh -c '$RINIT fixture read reader; echo "status $?"; read line; echo "script $line"'"#;

#[test]
fn a_shell_has_job_control() {
    in_every_way(SHELL, 5, |terminal| {
        assert_eq!(
            terminal.prompt(),
            "",
            "no complaint about a lack of job control"
        );
        terminal.enter("fixture read reader");
        terminal.ready("reader");
        terminal.press(CTRL_C);
        terminal.prompt();
        terminal.enter("echo status $?");
        terminal.expect("status 130");
        terminal.prompt();

        terminal.enter("fixture read reader");
        terminal.ready("reader");
        suspend(terminal);
        terminal.enter("bg");
        terminal.prompt();
        terminal.wait_until_job_is("Stopped");
        terminal.enter("fg");
        type_to(terminal, "reader", "hello");
        terminal.press(CTRL_D);
        terminal.prompt();
        terminal.enter("exit 5");
    });
}

#[test]
fn a_new_window_size_arrives() {
    in_every_way("fixture read reader WINCH", 0, |terminal| {
        terminal.ready("reader");
        for rows in [40, 50, 60] {
            terminal.resize(rows, 100);
            terminal.expect(&format!("reader got {rows} by 100"));
        }
        terminal.press(CTRL_D);
    });
    in_every_way(SHELL, 0, |terminal| {
        terminal.prompt();
        terminal.enter("fixture read reader WINCH");
        terminal.ready("reader");
        terminal.resize(40, 100);
        terminal.expect("reader got 40 by 100");
        terminal.press(CTRL_D);
        terminal.prompt();
        terminal.enter("exit 0");
    });
}

#[test]
fn a_key_that_ends_the_command_is_not_explained() {
    in_a_shell("$RINIT fixture sleep command", 130, |terminal| {
        terminal.ready("command");
        terminal.press(CTRL_C);
        assert_eq!(terminal.prompt().trim(), "");
        terminal.enter("(exit $?)");
    });
}

#[test]
fn a_rinit_under_a_rinit_passes_the_terminal_on() {
    in_a_shell("$RINIT $RINIT fixture read reader", 130, |terminal| {
        terminal.ready("reader");
        for line in ["one", "two"] {
            suspend(terminal);
            terminal.enter("fg");
            type_to(terminal, "reader", line);
        }
        terminal.press(CTRL_C);
    });
    alone("$RINIT fixture read reader CONT", 130, |terminal| {
        terminal.ready("reader");
        goes_on_after_ctrl_z(terminal, "reader");
        terminal.press(CTRL_C);
    });
}
