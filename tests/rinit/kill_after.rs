//! `--kill-after` ends everything, so long after the first stop request.

use std::time::{Duration, Instant};

use crate::common::output::got;
use crate::common::{
    Ended, Rinit, Running, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, patiently, proc,
    signal, wait_until,
};

const LIMIT: Duration = Duration::from_millis(1500);
/// For how long rinit waits for the killed to die.
const DEATH_WAIT: Duration = Duration::from_secs(2);

#[test]
fn a_command_that_ignores_the_request_its_group_and_other_sessions_are_killed() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-w -k 1500ms")
            .fixture(
                "fork record peer , \
                fork session fork session record grandchild , record daemon , \
                record command",
            )
            .start();
        let names = ["peer", "grandchild", "daemon", "command"];
        let inner = names.map(|name| proc::inner_pid(rinit.ready(name)).expect("it lives"));
        let start = Instant::now();
        rinit.send(libc::SIGTERM);
        rinit.says("command got TERM ");
        let ended = rinit.end();
        assert!(start.elapsed() >= LIMIT, "{ended:?}");
        assert_eq!(ended.status, 137, "{ended:?}");
        assert_eq!(killings(&ended), 1, "one line tells it: {ended:?}");
        if start.elapsed() >= LIMIT + DEATH_WAIT {
            return; // The machine was so busy that rinit has not waited for them.
        }
        // Rinit has seen the end of each of them; that of the command shows in the status.
        for (name, pid) in names.iter().zip(inner) {
            // The name is missing where two died at the same moment.
            let told = [" (fixture)", ""].iter().any(|process| {
                let reaped = format!("reaped pid {pid}{process}: was killed by SIGKILL");
                ended.stderr.contains(&reaped)
            });
            assert_eq!(told, *name != "command", "{name}: {ended:?}");
        }
    });
}

#[test]
fn what_outlives_the_command_is_killed_and_the_status_stays_the_commands() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-k 1.5")
            .fixture("fork record left , linger command TERM 0 exit 3")
            .start();
        rinit.ready("left");
        rinit.ready("command");
        let start = Instant::now();
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert!(start.elapsed() >= LIMIT, "{ended:?}");
        assert_eq!(ended.status, 3, "{ended:?}");
        assert_eq!(killings(&ended), 1, "{ended:?}");
    });
}

#[test]
fn it_counts_from_the_first_stop_request() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .words("-k 1500ms")
            .fixture("record command")
            .start();
        rinit.ready("command");
        let first = Instant::now();
        // Counted from the last, it would never end.
        wait_until("the time is up", || {
            let _ = signal::send(rinit.pid, libc::SIGTERM);
            let _ = signal::send(rinit.pid, libc::SIGINT);
            proc::state(rinit.pid).is_none_or(|state| state == 'Z')
        });
        let ended = rinit.end();
        assert_eq!(ended.status, 137, "{ended:?}");
        assert!(first.elapsed() >= LIMIT, "{:?}", first.elapsed());
    });
}

#[test]
fn sigquit_starts_no_clock_but_does_not_stop_one() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .words("-k 2")
            .fixture("linger command QUIT 2500 say dump-is-done record command")
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGQUIT);
        rinit.says("dump-is-done");
        rinit.send(libc::SIGTERM);
        rinit.send(libc::SIGQUIT);
        let ended = rinit.end();
        assert_eq!(ended.status, 137, "{ended:?}");
        assert_eq!(killings(&ended), 1, "{ended:?}");
    });
}

#[test]
fn it_is_no_limit_before_a_stop_request() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-k 0.5")
            .fixture("linger command USR1 1500 exit 3")
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGUSR1);
        let ended = rinit.end();
        assert_eq!(ended.status, 3, "{ended:?}");
        assert_eq!(ended.stderr, "");
    });
}

#[test]
fn it_is_shorter_or_longer_than_the_grace() {
    as_pid1_and_subreaper(|role| {
        for (options, first) in [("-k 1.5 -t 30", "-k"), ("-k 30 -t 1.5", "-t")] {
            let rinit = Rinit::new(role)
                .words(options)
                .fixture("fork record left , sleep command")
                .start();
            ready(&rinit, &["left", "command"]);
            let start = Instant::now();
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            let time = start.elapsed();
            assert!(time >= LIMIT, "{first}: {time:?}");
            assert!(
                time < patiently(Duration::from_secs(30)),
                "{first}: {time:?}"
            );
            assert_eq!(ended.status, 143, "{ended:?}");
            assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{ended:?}");
        }
    });
}

fn ready(rinit: &Running, names: &[&str]) {
    for name in names {
        rinit.ready_before_now(name);
    }
}

/// How often rinit says that it kills.
fn killings(ended: &Ended) -> usize {
    ended
        .stderr
        .matches("rinit: time is up: killing with SIGKILL ")
        .count()
}
