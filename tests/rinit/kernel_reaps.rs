//! Where the kernel can reap, no orphan wakes rinit up, and nothing else changes.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::output::Output;
use crate::common::seccomp::refuse;
use crate::common::{
    Directory, Rinit, Role, Running, as_pid1, fixture, proc, role, signal, skip, strace, wait_until,
};
use nix::unistd::Uid;

/// Runs the tests where it can be had: as PID 1, on Linux 6.15 or later.
fn where_the_kernel_can(test: impl Fn()) {
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .fixture("orphan exit 3 , sleep command")
            .start();
        rinit.ready("command");
        if role::linux() >= (6, 15) {
            wait_until_left_to_kernel(&rinit);
            drop(rinit);
            test();
        } else {
            skip("this kernel is older than 6.15");
        }
    });
}

fn rinit() -> Rinit {
    Rinit::new(Role::Pid1)
}

/// Starts the words behind an orphan that is reaped already.
fn start_left_to_kernel(rinit: Rinit, words: &str) -> Running {
    let running = rinit
        .fixture(&format!("orphan exit 3 , await begin USR1 {words}"))
        .start();
    running.ready("begin");
    wait_until_left_to_kernel(&running);
    running
}

fn wait_until_left_to_kernel(rinit: &Running) {
    wait_until("the kernel reaps", || is_left_to_kernel(rinit));
}

/// Nobody else ignores this signal.
fn is_left_to_kernel(rinit: &Running) -> bool {
    let ignored = proc::signals(rinit.pid, "SigIgn").unwrap_or(0);
    ignored & signal::set([libc::SIGCHLD]) != 0
}

#[test]
fn orphans_wake_nobody() {
    where_the_kernel_can(|| {
        let mut rinit = start_left_to_kernel(
            rinit(),
            "until-input orphans 1000 orphan die KILL , say done until-eof exit 42",
        );
        rinit.send(libc::SIGUSR1);
        proc::wait_until_idle(rinit.pid);
        let before = proc::switches(rinit.pid);
        rinit.tell("x");
        rinit.says("done");
        rinit.wait_until_only_command_is_left();
        assert_eq!(proc::switches(rinit.pid), before);
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!((ended.status, ended.stderr.as_str()), (42, ""));
    });
}

#[test]
fn however_the_command_ends_that_is_the_status() {
    let deaths =
        signal::deadly().map(|signal| (format!("die {}", signal::name(signal)), 128 + signal));
    let exits = (0..=255)
        .step_by(15)
        .map(|status| (format!("exit {status}"), status));
    let others = [
        ("thread exit 7", 7),
        ("thread die KILL", 128 + 9),
        ("thread exec /bin/false", 1),
        ("user 1000 exit 7", 7),
        ("elsewhere exit 7", 7),
        ("exec /bin/false", 1),
    ];
    let others = others.map(|(words, status)| (words.to_owned(), status));
    // Only root can become another user.
    let may = |words: &str| Uid::effective().is_root() || !words.starts_with("user");
    let others = others.into_iter().filter(|(words, _)| may(words));
    let endings: Vec<_> = deaths.chain(exits).chain(others).collect();
    where_the_kernel_can(|| {
        for (words, status) in &endings {
            let running = start_left_to_kernel(rinit().words("-q"), words);
            running.send(libc::SIGUSR1);
            let ended = running.end();
            assert_eq!(ended.status, *status, "{words}: {}", ended.stderr);
        }
    });
}

#[test]
fn a_killed_command_is_named_as_ever() {
    where_the_kernel_can(|| {
        let rinit = rinit()
            .script("exec \"$fixture\" orphan exit 3 , await begin USR1 die KILL")
            .start();
        rinit.ready("begin");
        wait_until_left_to_kernel(&rinit);
        rinit.send(libc::SIGUSR1);
        rinit.complains("\"/bin/sh\" (pid 2, fixture) was killed by SIGKILL");
        assert_eq!(rinit.end().status, 128 + libc::SIGKILL);
    });
}

#[test]
fn deaths_around_the_commands_own_do_not_hide_it() {
    where_the_kernel_can(|| {
        for status in 1..60 {
            let words = format!("fork orphans 300 exit 0 , orphans 100 exit {status}");
            // On a busy machine a drain takes long enough to be explained.
            let running = start_left_to_kernel(rinit().words("-q"), &words);
            running.send(libc::SIGUSR1);
            let ended = running.end();
            assert_eq!((ended.status, ended.stderr.as_str()), (status, ""));
        }
    });
}

#[test]
fn a_sigchld_that_somebody_sends_still_arrives() {
    where_the_kernel_can(|| {
        let rinit = start_left_to_kernel(rinit(), "orphans 100 record command");
        rinit.send(libc::SIGUSR1);
        rinit.ready("command");
        // Of its own child: while that one is pending, no other is.
        rinit.says("command got CHLD code 1 ");
        rinit.queue(libc::SIGCHLD, 5);
        rinit.says("command got CHLD code 0");
        assert!(is_left_to_kernel(&rinit));
    });
}

#[test]
fn what_is_left_behind_is_asked_and_waited_for_as_ever() {
    where_the_kernel_can(|| {
        let left = "orphan exit 3 , orphan linger left TERM 300 exit 5 ,";

        let rinit = rinit().fixture(&format!("{left} sleep command")).start();
        rinit.ready_before_now("left");
        rinit.ready("command");
        wait_until_left_to_kernel(&rinit);
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 128 + libc::SIGTERM);
        assert_eq!(ended.stdout.matches("left got TERM ").count(), 1);

        let words = format!("{left} until-eof exit 42");
        let mut rinit = self::rinit().fixture(&words).start();
        rinit.ready("left");
        wait_until_left_to_kernel(&rinit);
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 42);
        assert_eq!(ended.stdout.matches("left got TERM ").count(), 1);
    });
}

#[test]
fn from_a_stop_request_on_rinit_reaps() {
    where_the_kernel_can(|| {
        let rinit = start_left_to_kernel(rinit(), "exit 42");
        rinit.send(libc::SIGTERM);
        wait_until("rinit reaps", || !is_left_to_kernel(&rinit));
        rinit.send(libc::SIGUSR1);
        assert_eq!(rinit.end().status, 42);
    });
}

#[test]
fn the_command_may_end_while_rinit_takes_the_reaping_back() {
    if !strace::is_there() {
        return;
    }
    where_the_kernel_can(|| {
        // Before SIGCHLD is heeded again the kernel reaps it, behind that rinit does.
        for delay in ["delay_enter", "delay_exit"] {
            let running = start_left_to_kernel(rinit(), "exit 42");
            let strace = format!("strace -o /dev/null -e inject=rt_sigaction:{delay}=300000");
            let mut tracer = strace::attach(&strace, running.pid);
            running.send(libc::SIGTERM);
            running.wait_until_taken();
            let command = running.outer_pid(2);
            signal::send(command, libc::SIGUSR1).expect("it lives");
            assert_eq!(running.end().status, 42, "{delay}");
            tracer.wait().expect("a child of ours");
        }
        for _ in 0..100 {
            let running = start_left_to_kernel(rinit(), "exit 42");
            running.send(libc::SIGUSR1);
            // It may have come to its end by now.
            let _ = signal::send(running.pid, libc::SIGTERM);
            assert_eq!(running.end().status, 42);
        }
    });
}

#[test]
fn who_asks_to_see_each_reaping_sees_it() {
    where_the_kernel_can(|| {
        for word in ["-w", "-vvv"] {
            let words = "orphan exit 3 , orphan exit 4 , orphan exit 5 , say done until-eof exit 0";
            let mut rinit = rinit().words(word).fixture(words).start();
            rinit.says("done");
            for status in 3..=5 {
                rinit.complains(&format!("exited with status {status}"));
            }
            drop(rinit.stdin.take());
            assert_eq!(rinit.end().status, 0);
        }
    });
}

#[test]
fn where_a_call_is_refused_rinit_reaps() {
    for call in [
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_send_signal,
        libc::SYS_signalfd4,
        libc::SYS_ppoll,
    ] {
        for errno in [libc::ENOSYS, libc::EPERM] {
            as_pid1(|role| {
                let mut rinit = Rinit::new(role)
                    .before_exec(move || refuse(&[call], errno))
                    .fixture("orphans 100 say done until-eof exit 42")
                    .start();
                rinit.says("done");
                rinit.wait_until_only_command_is_left();
                assert!(!is_left_to_kernel(&rinit));
                drop(rinit.stdin.take());
                let ended = rinit.end();
                assert_eq!((ended.status, ended.stderr.as_str()), (42, ""));
            });
        }
    }
}

#[test]
fn who_has_the_commands_pid_after_it_gets_none_of_its_signals() {
    if !Uid::effective().is_root() {
        skip("only root can enter a namespace");
        return;
    }
    if !strace::is_there() {
        return;
    }
    where_the_kernel_can(|| {
        let rinit = start_left_to_kernel(rinit().words("-q"), "sleep command");
        let command = rinit.outer_pid(2);
        let directory = Directory::new("pid-reuse");
        let log = directory.path().join("log");
        let delay = "-e inject=pidfd_send_signal:delay_enter=4000000:when=1";
        let strace = format!("strace -o {} -e pidfd_send_signal {delay}", log.display());
        let mut tracer = strace::attach(&strace, rinit.pid);
        rinit.send(libc::SIGUSR1);
        let log = || fs::read_to_string(&log).expect("a log");
        wait_until("the signal is on its way", || log().contains("SIGUSR1"));
        // It stays there for as long as strace does nothing, however long the delay is.
        let strace = tracer.id().try_into().expect("a pid");
        signal::send(strace, libc::SIGSTOP).expect("it lives");
        wait_until("strace is stopped", || proc::is_stopped(strace));
        let sent = log();
        assert!(!sent.contains(" = "), "strace was stopped too late: {sent}");
        signal::send(command, libc::SIGKILL).expect("it lives");
        wait_until("the command is gone without a trace", || {
            proc::state(command).is_none()
        });
        let script = "echo 1 > /proc/sys/kernel/ns_last_pid; setsid \"$0\" record bystander & wait";
        let mut entered = Command::new("nsenter")
            .arg(format!("--target={}", rinit.pid))
            .args(["--pid", "--mount", "--", "sh", "-c", script])
            .arg(fixture())
            .stdout(Stdio::piped())
            .spawn()
            .expect("nsenter");
        let output = Output::of("the bystander's output", entered.stdout.take());
        let line = output.line("ready bystander ");
        assert_eq!(line.split(' ').nth(2), Some("2"), "the command's number");
        signal::send(strace, libc::SIGCONT).expect("it lives");
        assert_eq!(rinit.end().status, 128 + libc::SIGKILL);
        entered.wait().expect("a child of ours");
        tracer.wait().expect("a child of ours");
        let sent = log();
        assert!(sent.contains("SIGUSR1") && sent.contains("ESRCH"), "{sent}");
        assert!(!output.text().contains(" got "), "{}", output.text());
    });
}
