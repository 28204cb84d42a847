//! The job of a pod's pause process: to be there, and to reap.

use std::time::Duration;

use crate::event_log::{log_arrival, reap_shown, shows_reaping};
use crate::message::{Fate, Message, log};
use crate::options::Options;
use crate::signal::Signal;
use crate::sys::clock;
use crate::sys::pidfd::Pidfd;
use crate::sys::signals::{self, Event, SignalReader};
use crate::sys::wait::{self, BATCH, Reaped};

/// Reaps until SIGTERM or SIGINT. Returns rinit's exit status.
pub fn pause(options: &Options, mut signals: SignalReader) -> u8 {
    log(options.level, &Message::Pausing);
    if !shows_reaping(options) {
        // No status is wanted: the kernel can reap, without waking rinit up.
        let _ = signals::ignore_sigchld();
    }
    loop {
        // Before the first wait, too: a child from before rinit's exec may be dead already.
        let reap_next = || reap_shown(options, |_| false, wait::reap_next);
        let reaps_one = |_| matches!(reap_next(), Ok(Reaped::Child(..)));
        // Where processes die faster than they are reaped, this has no end.
        let more_to_reap = (0..BATCH).all(reaps_one);
        let limit = more_to_reap.then_some(Duration::ZERO);
        let arrival = match signals.wait(limit, None::<&Pidfd>) {
            Ok(Event::Signal(arrival)) => arrival,
            _ if more_to_reap => continue,
            // EINTR, once rinit was stopped and continued.
            _ => {
                clock::rest(None);
                continue;
            }
        };
        if matches!(arrival.signal, Signal::TERM | Signal::INT) {
            log_arrival(options, &arrival, Fate::EndsPause);
            log(options.level, &Message::Exiting(0));
            return 0;
        }
        if arrival.signal != Signal::CHLD {
            log_arrival(options, &arrival, Fate::Dropped);
        }
    }
}
