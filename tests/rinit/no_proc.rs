//! Without a /proc that rinit could read, what is left behind is asked all the same.

use std::ffi::CStr;
use std::io;
use std::thread;

use crate::common::output::{assert_order, got};
use crate::common::{
    Rinit, Role, as_pid1, as_pid1_and_subreaper_at_once, proc, signal, wait_until,
};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

const PROC: &CStr = c"/proc";

/// Nothing is there.
fn empty() -> io::Result<()> {
    let nothing = None::<&CStr>;
    mount(nothing, PROC, Some(c"tmpfs"), MsFlags::empty(), nothing)?;
    Ok(())
}

/// The one of the namespace around is seen again: its pids mean other processes.
fn foreign() -> io::Result<()> {
    umount2(PROC, MntFlags::MNT_DETACH)?;
    Ok(())
}

/// Runs a test in each of these.
fn with_each_proc(test: impl Fn(Rinit), role: Role) {
    for (name, hide) in PROCS {
        // Shown when the test fails.
        eprintln!("/proc is {name}:");
        test(Rinit::new(role).before_exec(hide));
    }
}

type Hide = fn() -> io::Result<()>;

const PROCS: [(&str, Hide); 2] = [("empty", empty), ("foreign", foreign)];

/// The same as PID 1 and as a subreaper, all at a time: for a test that takes long by its nature.
fn in_each_role_with_each_proc_at_once(test: impl Fn(Rinit) + Sync) {
    let test = &test;
    as_pid1_and_subreaper_at_once(|role| {
        thread::scope(|scope| {
            for (_, hide) in PROCS {
                scope.spawn(move || test(Rinit::new(role).before_exec(hide)));
            }
        });
    });
}

#[test]
fn the_commands_group_is_asked_and_waited_for() {
    let test = |rinit: Rinit| {
        let mut rinit = rinit
            .fixture("fork linger left TERM 1200 say left-is-done exit 0 , until-eof exit 7")
            .start();
        rinit.ready("left");
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 7, "{ended:?}");
        assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{ended:?}");
        assert_eq!(got(&ended.stdout, "left", "CONT"), 1, "{ended:?}");
        assert!(ended.stdout.contains("left-is-done"), "{ended:?}");
    };
    in_each_role_with_each_proc_at_once(test);
}

#[test]
fn that_somebody_holds_a_stop_up_is_said_though_not_who() {
    in_each_role_with_each_proc_at_once(|rinit| {
        let rinit = rinit.fixture("ignore TERM sleep app").start();
        rinit.ready("app");
        rinit.send(libc::SIGTERM);
        rinit
            .stderr
            .line("rinit: still running 5 s after SIGTERM: processes that /proc does not show");
    });
}

#[test]
fn a_program_behind_a_shell_is_asked_once() {
    in_each_role_with_each_proc_at_once(Rinit::stop_behind_a_shell);
}

#[test]
fn as_pid_1_rinit_asks_everybody_after_the_commands_group() {
    let test = |rinit: Rinit| {
        let rinit = rinit
            .fixture(
                "fork session fork session linger worker TERM 300 exit 0 , \
                    linger daemon TERM 600 say daemon-is-done exit 0 , \
                fork linger app TERM 1500 say app-is-done exit 0 , \
                sleep command",
            )
            .start();
        for name in ["worker", "daemon", "app", "command"] {
            rinit.ready_before_now(name);
        }
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        for name in ["worker", "daemon", "app"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
        }
        let order = ["app-is-done", "daemon got TERM ", "daemon-is-done"];
        assert_order(&ended.stdout, &order);
    };
    as_pid1(|role| with_each_proc(test, role));
}

#[test]
fn what_does_not_finish_is_killed_and_nobody_is_given_anothers_name() {
    let test = |rinit: Rinit| {
        let mut rinit = rinit
            .words("-w -t 2")
            .fixture("fork record left , until-eof exit 7")
            .start();
        let left = rinit.ready("left");
        let inner = proc::inner_pid(left).expect("it lives");
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 7, "{ended:?}");
        assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{ended:?}");
        let reaped = format!("rinit: reaped pid {inner}: was killed by SIGKILL");
        let told = ended.stderr.lines().any(|line| line == reaped);
        assert!(told, "{}", ended.stderr);
    };
    in_each_role_with_each_proc_at_once(test);
}

#[test]
fn kill_after_ends_the_command_and_its_group() {
    let test = |rinit: Rinit| {
        let rinit = rinit
            .words("-k 2")
            .fixture("fork record peer , record command")
            .start();
        rinit.ready("peer");
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        rinit.says("peer got TERM ");
        assert_eq!(rinit.end().status, 137);
    };
    in_each_role_with_each_proc_at_once(test);
}

#[test]
fn as_pid_1_rinit_still_passes_signals_on_to_daemons() {
    let test = |rinit: Rinit| {
        let rinit = rinit
            .words("-d")
            .fixture("orphan session linger daemon TERM 0 exit 0 , linger command USR1 0 exit 0")
            .start();
        rinit.ready_before_now("daemon");
        let command = rinit.ready("command");
        signal::send(command, libc::SIGUSR1).expect("it takes a signal");
        wait_until("rinit has reaped the command", || {
            proc::state(command).is_none()
        });
        rinit.send(libc::SIGHUP);
        rinit.says("daemon got HUP ");
        rinit.send(libc::SIGTERM);
        assert_eq!(rinit.end().status, 0);
    };
    as_pid1(|role| with_each_proc(test, role));
}
