//! A point in time.

use std::time::Duration;

/// Time since boot: CLOCK_BOOTTIME, the clock of the start times in /proc.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Hash)]
pub struct Time(pub Duration);

/// A tick of the start times in /proc: USER_HZ is 100 everywhere (proc_pid_stat(5)).
const TICK: Duration = Duration::from_millis(10);

impl Time {
    /// `duration` later; the end of time where that is further away.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long it is until `later`; nothing if that has passed.
    pub fn until(self, later: Self) -> Duration {
        later.0.saturating_sub(self.0)
    }

    /// The number of its tick, as start times are counted.
    pub fn tick(self) -> u64 {
        let ticks = self.0.as_nanos().checked_div(TICK.as_nanos());
        ticks
            .and_then(|ticks| u64::try_from(ticks).ok())
            .unwrap_or(u64::MAX)
    }
}
