//! Thousands of processes left behind are told and reaped in no time.

mod common;

use std::time::{Duration, Instant};

use common::{Rinit, everywhere};

const COUNT: usize = 5_000;

/// Measured are tenths of a second; this is for a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn thousands_of_sleepers_left_behind_are_told_and_reaped() {
    everywhere(|place| {
        let mut rinit = Rinit::new(place)
            .fixture(&format!("sleepers {COUNT} say ready until-eof exit 7"))
            .start();
        rinit.says("ready");
        let start = Instant::now();
        drop(rinit.stdin.take());
        let ended = rinit.end();
        let time = start.elapsed();
        eprintln!("{COUNT} sleepers told and reaped in {time:?}");
        assert_eq!(ended.status, 7, "{ended:?}");
        assert!(time < LIMIT, "{time:?}");
    });
}

#[test]
fn thousands_that_ignored_the_signal_to_the_group_are_told() {
    everywhere(|place| {
        let rinit = Rinit::new(place)
            .fixture(&format!(
                "fork ignore 2 sleepers {COUNT} sleep mother , sleep command"
            ))
            .start();
        rinit.ready("mother");
        rinit.ready("command");
        let start = Instant::now();
        rinit.send(libc::SIGINT);
        let ended = rinit.end();
        let time = start.elapsed();
        eprintln!("{COUNT} sleepers that ignored INT told and reaped in {time:?}");
        assert_eq!(ended.status, 130, "{ended:?}");
        assert!(time < LIMIT, "{time:?}");
    });
}

#[test]
fn thousands_that_ignore_the_request_are_killed() {
    everywhere(|place| {
        let mut rinit = Rinit::new(place)
            .words("-t 0.1")
            .fixture(&format!(
                "ignore 15 sleepers {COUNT} say ready until-eof exit 7"
            ))
            .start();
        rinit.says("ready");
        let start = Instant::now();
        drop(rinit.stdin.take());
        let ended = rinit.end();
        let time = start.elapsed();
        eprintln!("{COUNT} sleepers killed and reaped in {time:?}");
        assert_eq!(ended.status, 7, "{ended:?}");
        assert!(time < LIMIT, "{time:?}");
    });
}
