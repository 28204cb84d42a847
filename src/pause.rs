//! The job of a pod's pause process: to be there, and to reap.

use crate::event_log::{log_arrival, reap_shown, shows_reaping};
use crate::message::{Fate, Message, log};
use crate::options::Options;
use crate::signal::Signal;
use crate::sys::clock;
use crate::sys::pidfd::Pidfd;
use crate::sys::signals::{self, Event, SignalReader};
use crate::sys::wait::{self, Reaped};

/// Reaps until SIGTERM or SIGINT. Returns rinit's exit status.
pub fn pause(options: &Options, mut signals: SignalReader) -> u8 {
    log(options.level, &Message::Pausing);
    if !shows_reaping(options) {
        // No status is wanted: the kernel can reap, without waking rinit up.
        let _ = signals::ignore_sigchld();
    }
    loop {
        // Before the first wait, too: a child from before rinit's exec may be dead already.
        while let Ok(Reaped::Child(..)) = reap_shown(options, |_| false, wait::reap_next) {}
        let Ok(Event::Signal(arrival)) = signals.wait(None, None::<&Pidfd>) else {
            // EINTR, once rinit was stopped and continued.
            clock::rest(None);
            continue;
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
