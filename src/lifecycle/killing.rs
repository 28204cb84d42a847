//! Killing what still runs, again and again, for a while.

use std::time::Duration;

use super::action::{Action, Target};
use crate::process::Scan;
use crate::signal::Signal;
use crate::time::Time;

/// How often to kill anew what is still there.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the killed may take to die. Who takes longer is stuck in the kernel.
const DEATH_WAIT: Duration = Duration::from_secs(2);

#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct Killing {
    give_up_at: Time,
    next_scan_at: Time,
}

impl Killing {
    pub fn new(now: Time) -> Self {
        Self {
            give_up_at: now.after(DEATH_WAIT),
            next_scan_at: now.after(INTERVAL),
        }
    }

    pub fn deadline(&self) -> Time {
        self.give_up_at.min(self.next_scan_at)
    }

    pub fn gives_up(&self, now: Time) -> bool {
        self.give_up_at <= now
    }

    pub fn scan_is_due(&self, now: Time) -> bool {
        self.next_scan_at <= now
    }

    /// `everybody`: as many as can be reached, where they cannot be seen.
    pub fn scanned(
        &mut self,
        now: Time,
        scan: &Scan,
        everybody: Target,
        act: &mut dyn FnMut(Action),
    ) {
        self.next_scan_at = now.after(INTERVAL);
        let mut kill = |to| {
            let signal = Signal::KILL;
            act(Action::Send { signal, to });
        };
        match scan {
            Scan::Found(children) => {
                for child in children {
                    kill(Target::Child(child.pid));
                }
            }
            Scan::Failed | Scan::NoProc => kill(everybody),
        }
    }
}
