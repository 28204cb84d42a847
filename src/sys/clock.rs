//! The one clock: CLOCK_BOOTTIME, in which /proc gives the start times of
//! processes, and which nobody can set.
//!
//! # Safety
//! clock_gettime(2) writes two numbers, and has two to write to.
#![allow(unsafe_code, reason = "a system call that libc avoids")]

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

use crate::time::Time;

/// The time; that of the boot where the kernel refuses it.
pub fn now() -> Time {
    #[cfg(target_pointer_width = "64")]
    if let Some(now) = asked_of_kernel() {
        return now;
    }
    asked_of_libc().unwrap_or_default()
}

/// A short run asks twice. The vDSO (vdso(7)), where libc gets the time, would first have to be
/// searched, and two of its pages mapped: that takes 5 µs, and a system call 0.2. Where there are
/// 32 bits, the call of that name takes one kind of numbers or another.
#[cfg(target_pointer_width = "64")]
fn asked_of_kernel() -> Option<Time> {
    let mut now: [i64; 2] = [0; 2];
    // SAFETY: see above.
    let result =
        unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_BOOTTIME, &raw mut now) };
    let [seconds, nanoseconds] = now;
    (result == 0).then(|| time(seconds, nanoseconds))
}

fn asked_of_libc() -> Option<Time> {
    let now = ClockId::CLOCK_BOOTTIME.now().ok()?;
    Some(time(now.tv_sec(), now.tv_nsec()))
}

fn time(seconds: impl TryInto<u64>, nanoseconds: impl TryInto<u32>) -> Time {
    let (seconds, nanoseconds) = (seconds.try_into(), nanoseconds.try_into());
    // A whole second of them, which there never is, could make this panic.
    Time(Duration::new(
        seconds.unwrap_or(0),
        nanoseconds.unwrap_or(0) % NANOSECONDS,
    ))
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
