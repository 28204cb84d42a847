//! The job of a pod's pause process: to be there, and to reap.

use crate::message::{Fate, Message, log};
use crate::observe;
use crate::options::Options;
use crate::signal::Signal;
use crate::sys::clock;
use crate::sys::reap::{self, Reaped};
use crate::sys::signals::{self, Wake};

/// Reaps until SIGTERM or SIGINT. Gives rinit's exit status.
pub fn pause(options: &Options) -> u8 {
    log(options.level, &Message::Pausing);
    if !observe::shows_reaping(options) {
        // No status is wanted: the kernel can reap, without waking rinit up.
        let _ = signals::ignore_sigchld();
    }
    loop {
        // Before the first wait, too: a child from before rinit's exec may be dead already.
        while let Ok(Reaped::Child(..)) = observe::reap(options, |_| false, reap::next) {}
        let Ok(Wake::Signal(arrival)) = signals::wait(None) else {
            // EINTR, once rinit was stopped and continued.
            clock::rest(None);
            continue;
        };
        if matches!(arrival.signal, Signal::TERM | Signal::INT) {
            observe::arrival(options, &arrival, Fate::EndsPause);
            log(options.level, &Message::Exiting(0));
            return 0;
        }
        if arrival.signal != Signal::CHLD {
            observe::arrival(options, &arrival, Fate::Dropped);
        }
    }
}
