//! Whatever happens at whichever moment, it is as if it had happened a moment earlier or later.
//!
//! rinit is held at each of its system calls in turn; there the other thing happens, and rinit goes on.

use std::collections::BTreeSet;
use std::thread;

use crate::common::output::got;
use crate::common::tracer::{Entry, Tracer};
use crate::common::{
    Rinit, Role, Running, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, binary, fixture,
    signal,
};

#[test]
fn a_signal_on_the_way_to_the_first_wait_arrives() {
    as_pid1_and_subreaper_at_once(|role| {
        for step in 0.. {
            let (rinit, tracer) = start(role, "", "await command TERM exit 42");
            let waits = (0..=step).any(|_| is_wait(&tracer.next_call().expect("it goes on")));
            rinit.send(libc::SIGTERM);
            drop(tracer);
            let ended = rinit.end();
            assert_eq!((ended.status, &*ended.stderr), (42, ""), "step {step}");
            if waits {
                println!("{step} steps as {role:?}");
                break;
            }
        }
    });
}

#[test]
fn a_signal_between_fork_and_exec_arrives() {
    at_each_step_to_exec(|role, step, rinit, child| {
        rinit.send(libc::SIGTERM);
        drop(child);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""), "{role:?}, {step}");
    });
}

#[test]
fn a_child_that_is_killed_before_its_exec_was_the_command() {
    at_each_step_to_exec(|role, step, rinit, child| {
        signal::send(child.pid(), libc::SIGKILL).expect("it lives");
        drop(child);
        let ended = rinit.end();
        assert_eq!(ended.status, 137, "{role:?}, {step}: {ended:?}");
        assert!(ended.stderr.contains("SIGKILL"), "{ended:?}");
    });
}

/// Halts the child before each of its calls up to its exec.
fn at_each_step_to_exec(happen: impl Fn(Role, usize, Running, Tracer) + Sync) {
    as_pid1_and_subreaper_at_once(|role| {
        for step in 0.. {
            let (rinit, tracer) = start(role, "", "await command TERM exit 42");
            let child = tracer.child();
            let calls: BTreeSet<_> = (0..step)
                .map(|_| child.next_call().expect("it goes on").number)
                .collect();
            happen(role, step, rinit, child);
            if calls.contains(&libc::SYS_execve) {
                println!("{step} steps as {role:?}");
                break;
            }
        }
    });
}

#[test]
fn a_stop_request_at_any_step_of_a_drain_changes_nothing() {
    at_each_step_of_a_drain(|rinit, _| rinit.send(libc::SIGTERM));
}

#[test]
fn a_death_at_any_step_of_a_drain_holds_nothing_up() {
    at_each_step_of_a_drain(|_, other| {
        // It may be asked and gone.
        let _ = signal::send(other, libc::SIGKILL);
    });
}

/// From the command's end on, with rinit reaping and, where it can, the kernel.
fn at_each_step_of_a_drain(happen: impl Fn(&Running, i32) + Sync) {
    let is_last = |role, options, step| {
        let command = "orphan exit 0 , orphan await other TERM exit 4 , \
                       orphan linger left TERM 20 say left-is-done exit 3 , until-eof exit 42";
        let (mut rinit, tracer) = start(role, options, command);
        tracer.go_on_until(|| rinit.stdout.text().contains("ready left"));
        rinit.ready_before_now("left");
        let other = rinit.ready("other");
        drop(rinit.stdin.take());
        let calls = (0..=step).map_while(|_| tracer.next_call()).count();
        let has_ended = calls <= step;
        if !has_ended {
            happen(&rinit, other);
        }
        drop(tracer);
        let ended = rinit.end();
        assert_eq!(ended.status, 42, "{role:?}, {step}: {ended:?}");
        assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{step}: {ended:?}");
        assert!(ended.stdout.contains("left-is-done"), "{step}: {ended:?}");
        if has_ended {
            println!("{calls} steps of rinit {options} as {role:?}");
        }
        has_ended
    };
    // A drain waits more than it works: several at a time.
    const AT_ONCE: usize = 8;
    let is_last = &is_last;
    as_pid1_and_subreaper_at_once(|role| {
        for options in ["", "-w"] {
            thread::scope(|scope| {
                for first in 0..AT_ONCE {
                    let mut steps = (first..).step_by(AT_ONCE);
                    scope.spawn(move || steps.find(|&step| is_last(role, options, step)));
                }
            });
        }
    });
}

#[test]
fn who_gets_the_commands_pid_after_it_is_nobody_but_another_child() {
    as_pid1_and_subreaper(|role| {
        let command = role.pid() + 1;
        let mut rinit = Rinit::new(role)
            .words(QUIETLY)
            .fixture(&format!(
                "orphan session await keeper USR1 \
                 pid {command} group linger again TERM 20 say again-is-done exit 5 , exit 4 , until-eof exit 42"
            ))
            .start();
        let keeper = rinit.ready("keeper");
        drop(rinit.stdin.take());
        signal::send(keeper, libc::SIGUSR1).expect("it lives");
        expect_again(rinit, command);
    });
}

#[test]
fn who_gets_the_pid_of_one_that_was_asked_is_asked_as_well() {
    as_pid1_and_subreaper(|role| {
        // The command's child between the two, and that one's own.
        let first = role.pid() + 3;
        let mut rinit = Rinit::new(role)
            .words(QUIETLY)
            .fixture(&format!(
                "orphan linger first TERM 20 exit 0 , orphan session await keeper USR1 \
                 pid {first} linger again TERM 20 say again-is-done exit 5 , exit 4 , until-eof exit 42"
            ))
            .start();
        rinit.says(&format!("ready first {first}"));
        let keeper = rinit.ready("keeper");
        drop(rinit.stdin.take());
        rinit.says("first got TERM ");
        signal::send(keeper, libc::SIGUSR1).expect("it lives");
        expect_again(rinit, first);
    });
}

/// On a busy machine a drain takes long enough to be explained.
const QUIETLY: &str = "-q";

/// The second one with that pid is asked once and waited for, and the command's status is what it was.
fn expect_again(rinit: Running, pid: i32) {
    rinit.says(&format!("ready again {pid}"));
    let ended = rinit.end();
    assert_eq!((ended.status, &*ended.stderr), (42, ""));
    assert_eq!(got(&ended.stdout, "again", "TERM"), 1, "{ended:?}");
    assert!(ended.stdout.contains("again-is-done"), "{ended:?}");
}

/// rinit, halted at its exec.
fn start(role: Role, options: &str, command: &str) -> (Running, Tracer) {
    let (rinit, fixture) = (binary(), fixture());
    let words = format!(
        "say waiting until-input exec {} {options} -- {} {command}",
        rinit.display(),
        fixture.display()
    );
    let mut rinit = Rinit::program(role, &fixture)
        // It may come before the command is ready for it.
        .before_exec(|| signal::block(signal::set([libc::SIGTERM])))
        .words(&words)
        .start();
    rinit.says("waiting");
    let tracer = Tracer::seize(rinit.pid);
    rinit.tell("go on");
    tracer.go_on_until_call(|call| call.number == libc::SYS_execve);
    (rinit, tracer)
}

/// Whether it waits without a limit.
fn is_wait(call: &Entry) -> bool {
    [libc::SYS_rt_sigtimedwait, libc::SYS_ppoll].contains(&call.number) && call.arguments[2] == 0
}
