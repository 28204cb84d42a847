//! What runs in the background takes nothing until `fg`, which gives it the terminal.

use super::{alone, in_a_shell, suspend, type_to};
use crate::common::terminal::{CTRL_C, CTRL_D};
use crate::common::{Terminal, as_subreaper, proc, signal, wait_until};

#[test]
fn after_bg_the_terminal_is_the_shells_until_fg() {
    in_a_shell("$RINIT fixture read reader", 130, |terminal| {
        terminal.ready("reader");
        suspend(terminal);
        terminal.enter("bg");
        terminal.prompt();
        the_shell_has_it_until_fg(terminal);
    });
}

#[test]
fn a_command_started_in_the_background_takes_nothing_until_fg() {
    in_a_shell("$RINIT fixture held read reader &", 130, |terminal| {
        assert_eq!(terminal.line("held "), "false");
        terminal.ready("reader");
        terminal.prompt();
        the_shell_has_it_until_fg(terminal);
    });
}

fn the_shell_has_it_until_fg(terminal: &mut Terminal) {
    terminal.wait_until_job_is("Stopped");
    terminal.enter("echo it is $((1 + 1))");
    terminal.expect("it is 2");
    terminal.prompt();
    terminal.enter("fg");
    for line in ["one", "two"] {
        type_to(terminal, "reader", line);
        suspend(terminal);
        terminal.enter("fg");
    }
    type_to(terminal, "reader", "three");
    terminal.press(CTRL_C);
}

/// The shell continues only what it saw stop: nobody tells rinit.
#[test]
fn a_command_that_fg_finds_running_gets_the_terminal_when_it_reads() {
    in_a_shell(
        "$RINIT fixture await COMMAND USR1 read reader &",
        130,
        |terminal| {
            let command = terminal.ready("COMMAND");
            terminal.prompt();
            terminal.enter("fg");
            terminal.wait_until_held_by(proc::parent(command));
            signal::send(command, libc::SIGUSR1).expect("a living command");
            terminal.ready("reader");
            type_to(terminal, "reader", "hello");
            terminal.press(CTRL_C);
        },
    );
}

#[test]
fn keys_act_on_a_command_that_fg_found_running() {
    in_a_shell("$RINIT fixture sleep COMMAND &", 130, |terminal| {
        let command = terminal.ready("COMMAND");
        terminal.prompt();
        terminal.enter("fg");
        terminal.wait_until_held_by(proc::parent(command));
        suspend(terminal);
        assert!(proc::is_stopped(command));
        terminal.enter("fg");
        wait_until("the command goes on", || !proc::is_stopped(command));
        terminal.press(CTRL_C);
    });
}

#[test]
fn a_background_job_that_may_not_write_waits_for_fg() {
    in_a_shell(
        "stty tostop; $RINIT fixture read reader &",
        130,
        |terminal| {
            terminal.prompt();
            terminal.wait_until_job_is("Stopped");
            terminal.enter("fg");
            terminal.ready("reader");
            type_to(terminal, "reader", "hello");
            terminal.press(CTRL_C);
        },
    );
}

/// A command that may not read would be stopped again as often as it is continued.
#[test]
fn a_command_that_waits_for_the_terminal_is_left_alone() {
    let command = "fixture orphan take read holder , await COMMAND USR1 read reader";
    alone(command, 130, |terminal| {
        terminal.ready("holder");
        let command = terminal.ready("COMMAND");
        let rinit = proc::parent(command);
        signal::send(command, libc::SIGUSR1).expect("a living command");
        terminal.ready("reader");
        proc::wait_until_idle(rinit);
        type_to(terminal, "holder", "one");
        terminal.press(CTRL_D);
        type_to(terminal, "reader", "two");
        terminal.press(CTRL_C);
    });
}

/// Runs a command under a rinit whose group is orphaned, and in the background.
fn orphaned_in_the_background(command: &str, test: impl Fn(&mut Terminal)) {
    as_subreaper(|role| {
        let words = format!("orphan group exec $RINIT fixture {command} , read holder");
        let mut terminal = Terminal::run(role, &format!("exec fixture {words}"));
        terminal.ready("holder");
        test(&mut terminal);
        type_to(&mut terminal, "holder", "hello");
        terminal.press(CTRL_D);
        assert_eq!(terminal.end(), 0);
    });
}

#[test]
fn who_reads_in_an_orphaned_group_in_the_background_is_hung_up() {
    // What goes on reading all the same does not keep rinit busy.
    orphaned_in_the_background("ignore HUP read reader", |terminal| {
        let reader = terminal.ready("reader");
        wait_until("the reader is stopped", || proc::is_stopped(reader));
        proc::wait_until_idle(proc::parent(reader));
        signal::send(reader, libc::SIGKILL).expect("a living reader");
    });
    orphaned_in_the_background("exec cat", |terminal| {
        let message = terminal.expect("SIGHUP");
        assert!(!message.contains("forwarded"), "{message}");
    });
}
