//! A pipeline keeps the terminal, and who stands at its end can read from it.

use super::{in_a_shell, suspend, type_to};
use crate::common::terminal::CTRL_C;
use crate::common::{proc, wait_until};

#[test]
fn a_pipeline_keeps_the_terminal() {
    in_a_shell(
        "$RINIT fixture sleep COMMAND | fixture terminal read reader",
        130,
        |terminal| {
            let pager = terminal.ready("reader");
            let command = terminal.process("fixture sleep COMMAND");
            for line in ["one", "two"] {
                terminal.wait_until_held_by(pager);
                type_to(terminal, "reader", line);
                suspend(terminal);
                let job = [command, proc::parent(command), pager];
                assert!(job.into_iter().all(proc::is_stopped));
                terminal.enter("fg");
                wait_until("the command goes on", || !proc::is_stopped(command));
            }
            terminal.press(CTRL_C);
            wait_until("the command is gone", || proc::state(command).is_none());
        },
    );
}

#[test]
fn a_command_at_the_end_of_a_pipeline_can_read_from_the_terminal() {
    in_a_shell(
        "fixture exit 0 | $RINIT fixture until-eof terminal read reader",
        130,
        |terminal| {
            terminal.ready("reader");
            type_to(terminal, "reader", "one");
            suspend(terminal);
            terminal.enter("fg");
            type_to(terminal, "reader", "two");
            terminal.press(CTRL_C);
        },
    );
}
