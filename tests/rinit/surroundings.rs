//! Bare and hostile surroundings, and commands that make it hard, neither end rinit nor hold it up.

mod memory;
mod nobody_reads;

use std::io;
use std::path::Path;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Uid, setresuid};

use crate::common::output::got;
use crate::common::{
    Directory, Ended, Rinit, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, binary, fixture,
    proc, signal, skip, strace, wait_until,
};

#[test]
fn a_user_whom_nobody_knows_is_served() {
    as_pid1_and_subreaper(|role| {
        // Without a map, all users are strangers in there.
        let rinit = Rinit::new(role)
            .before_exec(|| Ok(unshare(CloneFlags::CLONE_NEWUSER)?))
            .fixture("orphan sleep left , await command TERM exit 42")
            .start();
        rinit.ready("left");
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

#[test]
fn a_command_that_runs_as_its_files_owner_is_signalled_and_reaped() {
    as_a_user_who_becomes_root("signalled", |rinit, set_uid| {
        let rinit = rinit
            .arg(set_uid)
            .words("await command TERM exit 42")
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

#[test]
fn what_rinit_may_not_kill_does_not_hold_it_up() {
    as_a_user_who_becomes_root("spared", |rinit, set_uid| {
        let mut rinit = rinit
            .words("-t 0.1")
            .arg(set_uid)
            .words("orphan user 0 sleep left , until-eof exit 42")
            .start();
        rinit.ready("left");
        drop(rinit.stdin.take());
        let ended = rinit.outside.wait().expect("a child of ours");
        assert_eq!(ended.code(), Some(42));
        let said = rinit.stderr.text();
        assert_eq!(said.matches("cannot send").count(), 1, "{said}");
    });
}

/// Runs a test with a user's rinit, and with a fixture that is root whoever starts it. Both are copies, since the
/// user may not be able to enter the directory that they are built in.
fn as_a_user_who_becomes_root(name: &str, test: impl Fn(Rinit, &Path) + Sync) {
    if !Uid::effective().is_root() {
        skip("only root can make a program that runs as another user");
        return;
    }
    as_pid1_and_subreaper_at_once(|role| {
        let directory = Directory::new(&format!("{name}-{role:?}"));
        let program = directory.path().join("fixture");
        // By another process: a file cannot be run that some process here might still write.
        let installed = Command::new("install")
            .args(["--mode", "4755"])
            .args([&fixture(), &program])
            .status();
        assert!(installed.is_ok_and(|status| status.success()));
        let rinit = directory.copy(&binary(), "rinit");
        test(
            Rinit::program(role, &rinit).before_exec(become_user),
            &program,
        );
    });
}

/// Without any capability.
fn become_user() -> io::Result<()> {
    let user = Uid::from_raw(1234);
    Ok(setresuid(user, user, user)?)
}

#[test]
fn a_command_that_is_traced_keeps_its_status() {
    strace::as_pid1_and_subreaper(|role| {
        for tracer_dies in [false, true] {
            let rinit = Rinit::new(role)
                .fixture("orphan sleep left , await command USR1 exit 42")
                .start();
            rinit.ready("left");
            let command = rinit.ready("command");
            let mut tracer = strace::attach("strace -f -o /dev/null", command);
            if tracer_dies {
                tracer.kill().expect("it runs");
                tracer.wait().expect("a child of ours");
            }
            rinit.send(libc::SIGUSR1);
            assert_eq!(rinit.end().status, 42);
            tracer.wait().expect("a child of ours");
        }
    });
}

#[test]
fn a_rinit_that_was_stopped_and_continued_goes_on() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role).fixture("record command").start();
        let command = rinit.ready("command");
        for number in [libc::SIGUSR1, libc::SIGUSR2] {
            rinit.send(libc::SIGSTOP);
            wait_until("rinit is stopped", || proc::is_stopped(rinit.pid));
            rinit.send(number);
            rinit.send(libc::SIGCONT);
            rinit.says(&format!("command got {} ", signal::name(number)));
        }
        signal::send(command, libc::SIGKILL).expect("it lives");
        assert_eq!(rinit.end().status, 137);
    });
}

#[test]
fn a_command_that_becomes_another_program_is_signalled_and_its_status_kept() {
    as_pid1_and_subreaper(|role| {
        let other = fixture().display().to_string();
        let rinit = Rinit::new(role)
            .fixture(&format!(
                "exec {other} exec {other} await command TERM exit 42"
            ))
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

#[test]
fn rinits_under_rinits_pass_everything_on_and_ask_nobody_twice() {
    as_pid1_and_subreaper(|role| {
        let inner = binary().display().to_string();
        let rinit = Rinit::new(role)
            .words(&format!("{inner} -- {inner}"))
            .fixture(
                "orphan linger left TERM 300 say left-is-done exit 3 , \
                 fork linger peer TERM 300 say peer-is-done exit 4 , await command TERM exit 42",
            )
            .start();
        for name in ["left", "peer", "command"] {
            rinit.ready_before_now(name);
        }
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*said_at_once(&ended)), (42, ""));
        for name in ["left", "peer"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{}", ended.stdout);
            assert!(
                ended.stdout.contains(&format!("{name}-is-done")),
                "{}",
                ended.stdout
            );
        }
    });
}

#[test]
fn a_clock_that_began_elsewhere_shows_who_was_asked() {
    if !Path::new("/proc/self/ns/time").exists() {
        skip("this kernel is older than 5.6");
        return;
    }
    as_pid1_and_subreaper(|role| {
        // As a container has it that was moved from another machine (time_namespaces(7)).
        let rinit = Rinit::program(role, "unshare".as_ref())
            .words("--time --boottime 100000000 --monotonic 200000000")
            .arg(binary())
            .script(r#""$fixture" linger app TERM 300 say app-is-done exit 0; echo no"#)
            .start();
        rinit.ready_before_now("app");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*said_at_once(&ended)), (143, ""));
        assert_eq!(got(&ended.stdout, "app", "TERM"), 1, "{}", ended.stdout);
        assert!(ended.stdout.contains("app-is-done"), "{}", ended.stdout);
    });
}

/// What rinit says whether or not the machine has much else to do: without what it waits for, said after a second.
fn said_at_once(ended: &Ended) -> String {
    let lines = ended.stderr.split_inclusive('\n');
    lines
        .filter(|line| !line.contains("; waiting for "))
        .collect()
}
