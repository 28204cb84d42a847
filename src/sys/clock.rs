//! The one clock: CLOCK_BOOTTIME, in which /proc gives the start times of
//! processes, and which nobody can set.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

/// Time since boot.
pub fn now() -> Duration {
    let Ok(now) = ClockId::CLOCK_BOOTTIME.now() else {
        return Duration::ZERO;
    };
    let [seconds, nanoseconds] =
        [now.tv_sec(), now.tv_nsec()].map(|part| u64::try_from(part).unwrap_or(0));
    Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds))
}

/// A short rest where the kernel refuses to wait, at most for `limit`, so that
/// asking again and again costs next to nothing.
pub fn rest(limit: Option<Duration>) {
    let rest = TimeSpec::from(limit.map_or(REST, |limit| limit.min(REST)));
    let _ = clock_nanosleep(
        ClockId::CLOCK_MONOTONIC,
        ClockNanosleepFlags::empty(),
        &rest,
    );
}

const REST: Duration = Duration::from_millis(100);
