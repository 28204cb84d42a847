//! Thousands of processes left behind are told and reaped in no time.

mod common;

use std::time::{Duration, Instant};

use common::{Rinit, Running, everywhere};

const COUNT: usize = 5_000;

/// Measured are tenths of a second; this is for a machine that has much else to do.
const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn thousands_of_sleepers_left_behind_are_told_and_reaped() {
    let command = format!("sleepers {COUNT} say all-sleep until-eof exit 7");
    expect_end_in_time("", &command, 7, end_input);
}

#[test]
fn thousands_that_ignored_the_signal_to_the_group_are_told() {
    let command =
        format!("fork ignore 2 sleepers {COUNT} say all-sleep sleep mother , sleep command");
    expect_end_in_time("", &command, 130, |rinit| rinit.send(libc::SIGINT));
}

#[test]
fn thousands_that_ignore_the_request_are_killed() {
    let command = format!("ignore 15 sleepers {COUNT} say all-sleep until-eof exit 7");
    expect_end_in_time("-t 0.1", &command, 7, end_input);
}

fn end_input(rinit: &mut Running) {
    drop(rinit.stdin.take());
}

/// Starts a command with its sleepers, and measures how long it takes to `stop` all of them.
fn expect_end_in_time(options: &str, command: &str, status: i32, stop: impl Fn(&mut Running)) {
    everywhere(|place| {
        let mut rinit = Rinit::new(place).words(options).fixture(command).start();
        rinit.says("all-sleep");
        let start = Instant::now();
        stop(&mut rinit);
        let ended = rinit.end();
        let time = start.elapsed();
        println!("rinit {options} -- fixture {command}: {time:?}");
        assert_eq!(ended.status, status, "{ended:?}");
        assert!(time < LIMIT, "{time:?}");
    });
}
