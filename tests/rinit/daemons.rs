//! With `--daemon` rinit lives as long as the daemons that the command left behind.

use std::time::{Duration, Instant};

use crate::common::output::{assert_order, got};
use crate::common::outsider::{Outsider, may_enter};
use crate::common::{
    Rinit, Role, Running, as_pid1, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, proc,
    signal, wait_until,
};

/// Comes after any stop request that was sent before, since the lowest number goes first.
const LAST: i32 = 64;

#[test]
fn rinit_lives_as_long_as_the_daemon_and_signals_go_to_it_and_not_to_its_workers() {
    as_pid1_and_subreaper(|role| {
        let rinit = serving(
            role,
            "-d",
            "session fork linger worker TERM 0 exit 0 , linger daemon USR2 0 say daemon-is-done exit 0",
            &["worker", "daemon"],
        );
        for number in [1, 10, 40, LAST] {
            rinit.send(number);
            rinit.says(&format!("daemon got {} ", signal::name(number)));
        }
        for times in 2..=3 {
            rinit.send(libc::SIGTERM);
            rinit.send(LAST);
            rinit.stdout.wait_for("what came last", |text| {
                (got(text, "daemon", &signal::name(LAST)) == times).then_some(())
            });
        }
        // The daemon has its own way to end.
        rinit.send(libc::SIGUSR2);
        let ended = rinit.end();
        assert_eq!(ended.status, 0, "{ended:?}");
        for number in [1, 10, 40, 15] {
            assert_eq!(
                got(&ended.stdout, "daemon", &signal::name(number)),
                1,
                "{ended:?}"
            );
        }
        // Only once it was rinit's.
        assert_order(&ended.stdout, &["daemon-is-done", "worker got TERM "]);
    });
}

#[test]
fn a_stop_request_of_another_kind_reaches_the_daemon_once_too() {
    as_pid1_and_subreaper(|role| {
        let rinit = serving(
            role,
            "-d",
            "session linger daemon USR1 0 exit 0",
            &["daemon"],
        );
        for (times, number) in [(1, 2), (2, 15), (3, 15), (4, 2)] {
            rinit.send(number);
            rinit.send(LAST);
            rinit.stdout.wait_for("what came last", |text| {
                (got(text, "daemon", &signal::name(LAST)) == times).then_some(())
            });
        }
        rinit.send(libc::SIGUSR1);
        let ended = rinit.end();
        for number in [2, 15] {
            assert_eq!(
                got(&ended.stdout, "daemon", &signal::name(number)),
                1,
                "{ended:?}"
            );
        }
    });
}

#[test]
fn the_status_is_the_daemons() {
    for (daemon, status) in [
        ("exit 0", 0),
        ("exit 3", 3),
        ("die ABRT", 134),
        ("die RTMIN+6", 168),
    ] {
        as_pid1_and_subreaper(|role| {
            let words = format!("session linger daemon TERM 0 {daemon}");
            let rinit = serving(role, "-d", &words, &["daemon"]);
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert_eq!(ended.status, status, "{ended:?}");
            assert_eq!(ended.stderr, "", "{ended:?}");
        });
    }
}

#[test]
fn of_several_daemons_the_first_that_was_no_success_gives_the_status() {
    as_pid1_and_subreaper(|role| {
        let rinit = serving(
            role,
            "-d",
            "session linger one USR1 0 exit 0 , \
                orphan session linger two USR1 0 exit 5 , \
                orphan session linger three USR1 0 exit 6",
            &["one", "two", "three"],
        );
        for name in ["one", "two", "three"] {
            let pid = rinit.ready(name);
            signal::send(pid, libc::SIGUSR1).expect("it takes a signal");
            wait_until("it is reaped", || proc::state(pid).is_none());
        }
        assert_eq!(rinit.end().status, 5);
    });
}

/// A health check, say, by `docker exec`.
#[test]
fn an_orphan_of_what_entered_from_outside_does_not_make_the_status() {
    if !may_enter() {
        return;
    }
    as_pid1(|role| {
        for (options, daemon, status) in [("-d -w", 0, 0), ("-d -w", 5, 5), ("-d -z -w", 0, 0)] {
            let words = format!("session linger daemon TERM 0 exit {daemon}");
            let rinit = serving(role, options, &words, &["daemon"]);
            // It has read the clock, and that tick is over.
            proc::wait_until_idle(rinit.pid);
            for orphan in ["exit 3", "die KILL", "session exit 4"] {
                let words = format!("orphan {orphan} , exit 0");
                Outsider::enter(&rinit, &words)
                    .process
                    .wait()
                    .expect("a child of ours");
            }
            for how in [
                "exited with status 3",
                "was killed by SIGKILL",
                "exited with status 4",
            ] {
                rinit.stderr.line(how);
            }
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, status);
        }
    });
}

#[test]
fn a_daemon_that_ends_by_itself_ends_rinit() {
    as_pid1_and_subreaper(|role| {
        let rinit = serving(
            role,
            "-d",
            "session linger daemon USR1 0 exit 9",
            &["daemon"],
        );
        signal::send(rinit.ready("daemon"), libc::SIGUSR1).expect("it takes a signal");
        assert_eq!(rinit.end().status, 9);
    });
}

#[test]
fn a_stop_request_that_came_before_the_command_exited_reaches_the_daemons_once() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-d")
            .fixture(
                "orphan linger same-group USR1 0 exit 0 , \
                orphan session linger own-session USR1 0 exit 0 , \
                linger command TERM 300 say command-is-done exit 0",
            )
            .start();
        for name in ["same-group", "own-session", "command"] {
            rinit.ready_before_now(name);
        }
        rinit.send(libc::SIGTERM);
        // SIGCONT is the last thing that rinit sends to whom it tells.
        for name in ["same-group", "own-session"] {
            rinit.says(&format!("{name} got CONT "));
        }
        rinit.send(libc::SIGTERM);
        rinit.send(libc::SIGUSR1);
        let ended = rinit.end();
        assert_eq!(ended.status, 0, "{ended:?}");
        for name in ["same-group", "own-session"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
        }
        assert_order(&ended.stdout, &["command-is-done", "own-session got TERM "]);
    });
}

#[test]
fn a_stop_request_that_was_dropped_on_the_way_hides_no_other() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-d -r INT:0")
            .fixture("orphan session linger daemon TERM 0 exit 0 , ignore TERM await command USR1 exit 0")
            .start();
        rinit.ready("daemon");
        rinit.ready("command");
        for number in [libc::SIGTERM, libc::SIGINT] {
            rinit.send(number);
            rinit.wait_until_taken();
        }
        rinit.send(libc::SIGUSR1);
        assert_eq!(rinit.end().status, 0);
    });
}

#[test]
fn a_command_that_fails_ends_as_without_the_option() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .words("-d")
            .fixture("orphan session linger left TERM 0 exit 5 , until-eof exit 3")
            .start();
        rinit.ready("left");
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 3, "the command's own: {ended:?}");
        assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{ended:?}");
    });
}

#[test]
fn a_command_that_leaves_nothing_behind_ends_at_once() {
    for status in [0, 4] {
        as_pid1_and_subreaper(|role| {
            let ended = Rinit::new(role)
                .words("-d")
                .fixture(&format!("exit {status}"))
                .run();
            assert_eq!(ended.status, status, "{ended:?}");
            assert_eq!(ended.stderr, "");
        });
    }
}

#[test]
fn a_daemon_that_outlives_the_grace_after_a_stop_request_is_killed() {
    as_pid1_and_subreaper(|role| {
        let rinit = serving(role, "-d -t 1.5", "session record daemon", &["daemon"]);
        let daemon = rinit.ready("daemon");
        let inner = proc::inner_pid(daemon).expect("it lives");
        let start = Instant::now();
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert!(start.elapsed() >= Duration::from_millis(1500), "{ended:?}");
        assert_eq!(ended.status, 137, "{ended:?}");
        assert_eq!(got(&ended.stdout, "daemon", "TERM"), 1, "{ended:?}");
        let killed = format!("killing with SIGKILL \"fixture\" (pid {inner})");
        assert!(ended.stderr.contains(&killed), "{ended:?}");
    });
}

#[test]
fn the_grace_starts_with_the_stop_request() {
    as_pid1_and_subreaper_at_once(|role| {
        // It lives longer than the grace after the command's exit, and is stopped then.
        let rinit = serving(
            role,
            "-d -t 2",
            "session linger daemon USR1 2500 say still-there linger daemon TERM 0 exit 0",
            &["daemon"],
        );
        rinit.send(libc::SIGUSR1);
        rinit.says("still-there");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 0, "{ended:?}");
        assert_eq!(got(&ended.stdout, "daemon", "TERM"), 1, "{ended:?}");
    });
}

#[test]
fn a_dump_of_threads_starts_no_clock() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = serving(
            role,
            "-d -t 2",
            "session linger daemon QUIT 2500 say dump-is-done record daemon",
            &["daemon"],
        );
        rinit.send(libc::SIGQUIT);
        rinit.says("dump-is-done");
        let start = Instant::now();
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert!(start.elapsed() >= Duration::from_secs(2), "{ended:?}");
        assert_eq!(ended.status, 137, "{ended:?}");
        assert_eq!(got(&ended.stdout, "daemon", "TERM"), 1, "{ended:?}");
    });
}

#[test]
fn zero_on_stop_is_about_the_daemon() {
    for (daemon, status) in [
        ("sleep daemon", 0),
        ("linger daemon TERM 0 exit 143", 0),
        ("linger daemon TERM 0 exit 4", 4),
    ] {
        as_pid1_and_subreaper(|role| {
            let rinit = serving(role, "-d -z", &format!("session {daemon}"), &["daemon"]);
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, status);
        });
    }
}

#[test]
fn kill_after_ends_the_daemons_too() {
    as_pid1_and_subreaper(|role| {
        let rinit = serving(
            role,
            "-d -k 1.5",
            "session fork session record worker , record daemon",
            &["worker", "daemon"],
        );
        let start = Instant::now();
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert!(start.elapsed() >= Duration::from_millis(1500), "{ended:?}");
        assert_eq!(ended.status, 137, "{ended:?}");
    });
}

/// Starts rinit with a command that leaves a daemon of these words behind and exits 0, and waits until rinit serves
/// that daemon.
fn serving(role: Role, options: &str, daemon: &str, names: &[&str]) -> Running {
    let rinit = Rinit::new(role)
        .words(options)
        .fixture(&format!("orphan {daemon} , linger command USR1 0 exit 0"))
        .start();
    for name in names {
        rinit.ready(name);
    }
    let command = rinit.ready("command");
    signal::send(command, libc::SIGUSR1).expect("it takes a signal");
    wait_until("rinit has reaped the command", || {
        proc::state(command).is_none()
    });
    rinit
}
