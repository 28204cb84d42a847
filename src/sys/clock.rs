//! The one clock: CLOCK_BOOTTIME, in which /proc gives the start times of
//! processes, and which nobody can set.

use std::time::Duration;

use nix::time::ClockId;

/// Time since boot.
pub fn now() -> Duration {
    ClockId::CLOCK_BOOTTIME
        .now()
        .map(Duration::from)
        .unwrap_or_default()
}

/// A short rest where the kernel refuses to wait, so that asking again and
/// again costs next to nothing. Never seen but with injected faults.
pub fn rest() {
    std::thread::sleep(Duration::from_millis(100));
}
