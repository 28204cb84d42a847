//! Ctrl-Z suspends a job with its rinit, and freezes nothing that nobody could wake.

use super::{SCRIPT, alone, goes_on_after_ctrl_z, in_a_shell, in_every_way, suspend, type_to};
use crate::common::terminal::{CTRL_C, CTRL_D, CTRL_Z, SHELL};
use crate::common::{
    Rinit, Role, Running, Terminal, as_pid1_and_subreaper, proc, signal, wait_until,
};

#[test]
fn ctrl_z_cannot_freeze_what_nobody_could_wake() {
    alone("fixture read reader CONT", 130, |terminal| {
        terminal.ready("reader");
        goes_on_after_ctrl_z(terminal, "reader");
        terminal.press(CTRL_C);
    });
}

#[test]
fn an_editor_that_nobody_could_wake_goes_on_after_ctrl_z() {
    alone("fixture edit editor", 0, |terminal| {
        terminal.ready("editor");
        for key in ["x", "y"] {
            terminal.press(CTRL_Z);
            terminal.expect("editor goes on");
            terminal.press(key);
            terminal.expect(&format!("editor read {key}"));
        }
        terminal.press("q");
    });
}

/// What rinit does about a command that has stopped it has done once it forwards what came later.
fn stays_stopped(command: i32, rinit: &Running) {
    for number in [libc::SIGUSR1, libc::SIGUSR2] {
        rinit.send(number);
        wait_until("a signal is forwarded", || {
            let pending = proc::signals(command, "ShdPnd").expect("a living command");
            pending & signal::set([number]) != 0
        });
        assert!(proc::is_stopped(command));
    }
}

#[test]
fn without_a_terminal_a_stopped_command_stays_so() {
    as_pid1_and_subreaper(|role| {
        for number in [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            let rinit = Rinit::new(role).fixture("sleep command").start();
            let command = rinit.ready("command");
            signal::send(command, number).expect("a living command");
            wait_until("the command is stopped", || proc::is_stopped(command));
            stays_stopped(command, &rinit);
            signal::send(command, libc::SIGKILL).expect("a living command");
            assert_eq!(rinit.end().status, 128 + libc::SIGKILL);
        }
    });
}

#[test]
fn a_command_that_was_stopped_by_sigstop_stays_so_but_under_process_1() {
    as_pid1_and_subreaper(|role| {
        let mut terminal = Terminal::run(role, "exec $RINIT fixture record command");
        let command = terminal.ready("command");
        signal::send(command, libc::SIGSTOP).expect("a living command");
        if role == Role::Subreaper {
            wait_until("the command is stopped", || proc::is_stopped(command));
            stays_stopped(command, &terminal.running);
            signal::send(command, libc::SIGCONT).expect("a living command");
        }
        // The kernel would not have stopped process 1: `top` and `suspend` count on it.
        terminal.expect("command got CONT ");
        signal::send(command, libc::SIGKILL).expect("a living command");
        assert_eq!(terminal.end(), 137);
    });
}

#[test]
fn a_command_that_is_continued_before_rinit_has_seen_it_stop_goes_on() {
    alone("fixture record command", 137, |terminal| {
        let command = terminal.ready("command");
        let rinit = terminal.running.pid;
        for process in [rinit, command] {
            signal::send(process, libc::SIGSTOP).expect("a living process");
            wait_until("it is stopped", || proc::is_stopped(process));
        }
        signal::send(rinit, libc::SIGCONT).expect("a living rinit");
        terminal.expect("command got CONT ");
        signal::send(command, libc::SIGKILL).expect("a living command");
    });
}

#[test]
fn ctrl_z_stops_rinit_as_well_and_fg_continues_both() {
    in_a_shell("$RINIT fixture read reader", 130, |terminal| {
        let command = terminal.ready("reader");
        let rinit = proc::parent(command);
        for line in ["one", "two"] {
            suspend(terminal);
            assert!(proc::is_stopped(command) && proc::is_stopped(rinit));
            terminal.enter("fg");
            type_to(terminal, "reader", line);
        }
        terminal.press(CTRL_C);
    });
}

#[test]
fn ctrl_z_stops_the_script_that_runs_rinit() {
    in_a_shell(SCRIPT, 0, |terminal| {
        let command = terminal.ready("reader");
        let rinit = proc::parent(command);
        let script = proc::parent(rinit);
        for line in ["one", "two"] {
            suspend(terminal);
            // The shell looks at the script alone, which may be the first to stop.
            wait_until("all are stopped", || {
                [command, rinit, script].into_iter().all(proc::is_stopped)
            });
            terminal.enter("fg");
            type_to(terminal, "reader", line);
        }
        terminal.press(CTRL_D);
        terminal.expect("status 0");
        terminal.enter("hello");
        terminal.expect("script hello");
    });
}

#[test]
fn a_stopped_job_can_be_terminated() {
    in_a_shell("$RINIT fixture read reader", 0, |terminal| {
        let rinit = proc::parent(terminal.ready("reader"));
        suspend(terminal);
        // As the shell's own kill does, which sometimes misses the end that comes of it.
        for number in [libc::SIGTERM, libc::SIGCONT] {
            signal::send(rinit, number).expect("a living rinit");
        }
        wait_until("rinit is gone", || proc::state(rinit).is_none());
        terminal.wait_until_job_is("Exit 143");
        terminal.enter("true");
    });
}

#[test]
fn an_editor_holds_the_terminal_again_before_it_goes_on() {
    in_a_shell("$RINIT fixture edit editor", 0, |terminal| {
        terminal.ready("editor");
        for key in ["x", "y"] {
            suspend(terminal);
            terminal.enter("fg");
            terminal.expect("editor goes on");
            terminal.press(key);
            terminal.expect(&format!("editor read {key}"));
        }
        terminal.press("q");
    });
}

/// An editor sets the terminal up when it is asked to stop, and is stopped anew for want of it.
#[test]
fn editors_that_a_shell_leaves_suspended_restore_the_terminal_and_end() {
    for editors in [&["one"][..], &["one", "two"]] {
        in_every_way(SHELL, 0, |terminal| {
            terminal.prompt();
            for editor in editors {
                terminal.enter(&format!("fixture restore {editor} exit 0"));
                terminal.ready(editor);
                suspend(terminal);
            }
            // The shell warns of stopped jobs first.
            terminal.enter("exit 5");
            terminal.prompt();
            terminal.enter("exit 0");
            for _ in editors {
                let before = terminal.expect("has restored the terminal");
                assert!(!before.contains("killing"), "{before}");
            }
        });
    }
}

#[test]
fn a_stop_request_reaches_who_was_stopped_by_ctrl_z_beside_a_command_that_handles_it() {
    let script = r#"trap "echo handled" TSTP; trap "echo asked" TERM
        fixture sleep child; echo the child is gone; exit 3"#;
    alone(&format!("bash -c '{script}'"), 3, |terminal| {
        let child = terminal.ready("child");
        terminal.press(CTRL_Z);
        wait_until("the child is stopped", || proc::is_stopped(child));
        terminal.running.send(libc::SIGTERM);
        terminal.expect("asked");
        terminal.expect("the child is gone");
    });
}
