//! Sending signals (kill(2)).
//!
//! # Safety
//! kill(2) takes two numbers and touches no memory.
#![allow(unsafe_code, reason = "nix's kill takes no real-time signal")]

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::signal::Signal;

pub fn process(pid: Pid, signal: Signal) -> Result<(), Errno> {
    kill(pid.as_raw(), signal)
}

/// Whether rinit may send that process a signal; where it is gone, too.
pub fn is_permitted(pid: Pid) -> bool {
    send(pid.as_raw(), 0) != Err(Errno::EPERM)
}

/// # Errors
/// EPERM only where not a single process of the group may be signalled.
pub fn group(group: Pid, signal: Signal) -> Result<(), Errno> {
    kill(group.as_raw().saturating_neg(), signal)
}

/// Rinit's own process group, rinit included.
pub fn own_group(signal: Signal) -> Result<(), Errno> {
    kill(0, signal)
}

/// Every process in the PID namespace, but PID 1 and, on Linux, rinit.
pub fn everyone(signal: Signal) -> Result<(), Errno> {
    kill(-1, signal)
}

fn kill(target: libc::pid_t, signal: Signal) -> Result<(), Errno> {
    send(target, signal.raw())
}

fn send(target: libc::pid_t, number: libc::c_int) -> Result<(), Errno> {
    // SAFETY: see above.
    Errno::result(unsafe { libc::kill(target, number) }).map(drop)
}
