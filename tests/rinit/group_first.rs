//! What serves the application outlives it: the command's group is stopped first, then the others.

use std::time::{Duration, Instant};

use crate::common::output::{assert_order, got};
use crate::common::{Rinit, Role, Running, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once};

#[test]
fn a_daemon_is_asked_once_the_commands_group_is_gone() {
    as_pid1_and_subreaper(|role| {
        let rinit = started(
            role,
            "fork session linger daemon TERM 300 say daemon-is-done exit 9 , \
            fork linger app TERM 1500 say app-is-done exit 8 , \
            sleep command",
            &["daemon", "app", "command"],
        );
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "the command's own: {ended:?}");
        assert_order(
            &ended.stdout,
            &["app-is-done", "daemon got TERM ", "daemon-is-done"],
        );
        for name in ["app", "daemon"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
        }
    });
}

#[test]
fn a_daemon_is_asked_last_after_an_exit_that_nobody_asked_for_too() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = started(
            role,
            "fork session linger daemon TERM 300 say daemon-is-done exit 9 , \
            fork \
                fork linger worker TERM 300 say worker-is-done exit 0 , \
                linger app TERM 300 say app-is-done exit 8 , \
            until-eof exit 7",
            &["daemon", "worker", "app"],
        );
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 7, "the command's own: {ended:?}");
        assert_order(
            &ended.stdout,
            &[
                "app got TERM ",
                "app-is-done",
                "worker got TERM ",
                "worker-is-done",
                "daemon got TERM ",
                "daemon-is-done",
            ],
        );
        for name in ["app", "worker", "daemon"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
        }
    });
}

#[test]
fn a_daemon_waits_for_its_turn_five_seconds_at_the_most() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = started(
            role,
            "fork session linger daemon TERM 0 say daemon-is-done exit 9 , \
            fork linger app USR2 0 say app-is-done exit 8 , \
            sleep command",
            &["daemon", "app", "command"],
        );
        let start = Instant::now();
        rinit.send(libc::SIGTERM);
        rinit.says("daemon-is-done");
        assert!(start.elapsed() >= Duration::from_secs(5));
        rinit.send(libc::SIGUSR2);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        for name in ["app", "daemon"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
        }
    });
}

#[test]
fn what_had_detached_before_the_stop_goes_last() {
    as_pid1_and_subreaper(|role| {
        // The log daemon lost its parent long ago, the master loses it when the command dies, the app is in the
        // command's group.
        let rinit = started(
            role,
            "orphan session linger log TERM 0 say log-is-done exit 0 , \
            fork session linger master TERM 300 say master-is-done exit 0 , \
            fork linger app TERM 300 say app-is-done exit 0 , \
            sleep command",
            &["log", "master", "app", "command"],
        );
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        let order = [
            "app-is-done",
            "master got TERM ",
            "master-is-done",
            "log got TERM ",
        ];
        assert_order(&ended.stdout, &order);
        for name in ["app", "master", "log"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
        }
    });
}

#[test]
fn an_orphan_in_a_session_of_its_own_is_asked_when_it_comes_to_rinit() {
    as_pid1_and_subreaper(|role| {
        let rinit = started(
            role,
            "fork \
                fork session linger late TERM 0 exit 0 , \
                linger app TERM 300 say app-is-done exit 8 , \
            sleep command",
            &["late", "app", "command"],
        );
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        assert_order(&ended.stdout, &["app-is-done", "late got TERM "]);
        assert_eq!(got(&ended.stdout, "late", "TERM"), 1, "{ended:?}");
    });
}

#[test]
fn who_leaves_the_group_while_draining_holds_nobody_up() {
    as_pid1_and_subreaper(|role| {
        let rinit = started(
            role,
            "fork session linger daemon TERM 0 say daemon-is-done exit 9 , \
            fork linger app TERM 300 session linger app USR2 0 exit 0 , \
            sleep command",
            &["daemon", "app", "command"],
        );
        let start = Instant::now();
        rinit.send(libc::SIGTERM);
        rinit.says("daemon-is-done");
        assert!(start.elapsed() < Duration::from_secs(5));
        rinit.send(libc::SIGUSR2);
        assert_eq!(rinit.end().status, 143);
    });
}

fn started(role: Role, words: &str, names: &[&str]) -> Running {
    let rinit = Rinit::new(role).fixture(words).start();
    for name in names {
        rinit.ready_before_now(name);
    }
    rinit
}
