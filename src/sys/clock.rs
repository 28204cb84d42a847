//! The one clock: CLOCK_BOOTTIME, in which /proc gives the start times of
//! processes, and which nobody can set.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

use crate::time::Time;

/// The time; that of the boot where the kernel refuses it.
pub fn now() -> Time {
    let Ok(now) = ClockId::CLOCK_BOOTTIME.now() else {
        return Time::default();
    };
    let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.tv_nsec()).unwrap_or(0);
    // A whole second of them, which there never is, could make this panic.
    Time(Duration::new(seconds, nanoseconds % NANOSECONDS))
}

/// Of a second.
const NANOSECONDS: u32 = 1_000_000_000;

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
