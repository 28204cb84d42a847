//! The one clock: CLOCK_BOOTTIME, in which /proc gives the start times of
//! processes, and which nobody can set.
//!
//! # Safety
//! clock_gettime(2) writes the one struct that it is given.
#![allow(unsafe_code, reason = "a system call that libc avoids")]

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

use crate::time::Time;

/// The time; that of the boot where the kernel refuses it.
pub fn now() -> Time {
    let Some(now) = asked_of_kernel().or_else(|| ClockId::CLOCK_BOOTTIME.now().ok()) else {
        return Time::default();
    };
    let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
    let nanoseconds = u32::try_from(now.tv_nsec()).unwrap_or(0);
    // A whole second of them, which there never is, could make this panic.
    Time(Duration::new(seconds, nanoseconds % NANOSECONDS))
}

/// A short run asks twice. The vDSO (vdso(7)), where libc gets the time, would first have to be
/// searched, and two of its pages mapped: that takes 5 µs, and a system call 0.2.
#[cfg(target_pointer_width = "64")]
fn asked_of_kernel() -> Option<TimeSpec> {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: see above; with 64 bits libc's struct is the kernel's.
    let result =
        unsafe { libc::syscall(libc::SYS_clock_gettime, libc::CLOCK_BOOTTIME, &raw mut now) };
    (result == 0).then(|| now.into())
}

/// With 32 bits, the struct of the call by that name depends on the architecture.
#[cfg(not(target_pointer_width = "64"))]
fn asked_of_kernel() -> Option<TimeSpec> {
    None
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
