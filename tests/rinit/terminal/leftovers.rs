//! What the command left behind: keys reach it, and it keeps a terminal that it was given.

use super::{alone, goes_on_after_ctrl_z, in_every_way, type_to};
use crate::common::terminal::{CTRL_C, CTRL_D};
use crate::common::{proc, signal};

#[test]
fn ctrl_c_reaches_what_the_command_left_behind() {
    in_every_way(
        "fixture fork session record daemon , until-eof exit 7",
        7,
        |terminal| {
            let daemon = terminal.ready("daemon");
            terminal.press(CTRL_D);
            terminal.expect("daemon got TERM ");
            terminal.wait_until_held_by(proc::parent(daemon));
            terminal.press(CTRL_C);
            terminal.expect("daemon got INT ");
            signal::send(daemon, libc::SIGKILL).expect("a living daemon");
        },
    );
}

#[test]
fn a_status_of_130_is_no_ctrl_c_that_the_group_has_heard() {
    // An interactive shell has it from a job that Ctrl-C ended, and the job had a group of its own.
    alone(
        "fixture fork record left , until-eof exit 130",
        130,
        |terminal| {
            let left = terminal.ready("left");
            proc::wait_until_older_than_a_tick(left);
            terminal.press(CTRL_D);
            terminal.expect("left got TERM ");
            signal::send(left, libc::SIGKILL).expect("a living child");
        },
    );
}

#[test]
fn a_group_that_the_command_gave_the_terminal_keeps_it_as_long_as_it_lives() {
    let words =
        "fork session record daemon , fork take read reader TERM , await COMMAND USR1 exit 7";
    in_every_way(&format!("fixture {words}"), 7, |terminal| {
        let daemon = terminal.ready("daemon");
        let reader = terminal.ready("reader");
        let command = terminal.ready("COMMAND");
        signal::send(command, libc::SIGUSR1).expect("a living command");
        terminal.expect("reader got TERM");
        for line in ["one", "two"] {
            type_to(terminal, "reader", line);
            assert!(terminal.is_held_by(reader));
        }
        let rinit = proc::parent(daemon);
        terminal.press(CTRL_D);
        terminal.wait_until_held_by(rinit);
        terminal.press(CTRL_C);
        terminal.expect("daemon got INT ");
        signal::send(daemon, libc::SIGKILL).expect("a living daemon");
    });
}

#[test]
fn ctrl_z_cannot_freeze_what_the_command_left_behind() {
    let words = "fork read child TERM CONT , await COMMAND USR1 exit 7";
    in_every_way(&format!("--grace 10m fixture {words}"), 7, |terminal| {
        terminal.ready("child");
        let command = terminal.ready("COMMAND");
        signal::send(command, libc::SIGUSR1).expect("a living command");
        terminal.expect("child got TERM");
        terminal.expect("child got CONT");
        goes_on_after_ctrl_z(terminal, "child");
        terminal.press(CTRL_C);
    });
}
