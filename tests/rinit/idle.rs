//! An idle rinit is never woken.

use std::thread::sleep;
use std::time::Duration;

use crate::common::{Rinit, Running, as_pid1_and_subreaper_at_once, proc};

#[test]
fn nothing_wakes_rinit_between_events() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("orphan sleep left , sleep command")
            .start();
        rinit.ready("left");
        rinit.ready("command");
        expect_sleep(&rinit);
        rinit.send(libc::SIGWINCH);
        expect_sleep(&rinit);
    });
}

#[test]
fn nothing_wakes_rinit_while_it_pauses() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role).words("-P").start();
        expect_sleep(&rinit);
    });
}

/// Time is what this is about: whatever ticks once a second is caught three times.
fn expect_sleep(rinit: &Running) {
    proc::wait_until_idle(rinit.pid);
    let before = proc::switches(rinit.pid);
    sleep(Duration::from_secs(3));
    assert_eq!(
        proc::switches(rinit.pid),
        before,
        "how often it was put to sleep"
    );
}
