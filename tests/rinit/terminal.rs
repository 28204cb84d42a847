//! The terminal is the command's while it runs, and afterwards theirs who had it before. Job control works as if
//! rinit were not there.

use std::fs;

use crate::common::terminal::{CTRL_C, CTRL_D, CTRL_Z, SHELL};
use crate::common::{
    Directory, Rinit, Role, Running, Terminal, as_pid1_and_subreaper, as_subreaper, proc, signal,
    wait_until,
};

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
fn the_command_holds_the_terminal_from_its_start() {
    for _ in 0..20 {
        in_every_way("fixture held exit 0", 0, |terminal| {
            terminal.expect("held true");
        });
    }
}

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
fn a_key_that_ends_the_command_is_not_explained() {
    in_a_shell("$RINIT fixture sleep command", 130, |terminal| {
        terminal.ready("command");
        terminal.press(CTRL_C);
        assert_eq!(terminal.prompt().trim(), "");
        terminal.enter("(exit $?)");
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

/// Runs rinit, and reads from the terminal afterwards.
const SCRIPT: &str =
    r#"sh -c '$RINIT fixture read reader; echo "status $?"; read line; echo "script $line"'"#;

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
