//! What rinit is among the processes.
//!
//! # Safety
//! prctl(2) with the options used here takes numbers and touches no memory.
#![allow(
    unsafe_code,
    reason = "nix's prctl takes no real-time signal, and std's exit runs what is registered"
)]

use nix::errno::Errno;
use nix::unistd::{Pid, chdir, getpid, getppid};

use crate::signal::Signal;
use crate::sys::kill;

/// Whether orphans come to rinit without its asking.
pub fn is_pid_1() -> bool {
    getpid() == Pid::from_raw(1)
}

/// Has the orphans among rinit's descendants come to rinit (prctl(2),
/// PR_SET_CHILD_SUBREAPER).
pub fn become_subreaper() -> Result<(), Errno> {
    nix::sys::prctl::set_child_subreaper(true)
}

/// Ends rinit at once.
pub fn end(status: u8) -> ! {
    // SAFETY: takes a number.
    unsafe { libc::_exit(status.into()) }
}

/// Leaves the inherited working directory, whose file system could not be
/// unmounted otherwise.
pub fn leave_directory() {
    // The root can be entered by everybody who could start rinit.
    let _ = chdir("/");
}

/// Asks the kernel for `signal` when rinit's parent dies (prctl(2),
/// PR_SET_PDEATHSIG).
pub fn signal_at_parent_death(signal: Signal) -> Result<(), Errno> {
    let parent = getppid();
    // SAFETY: see above.
    let result = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::c_long::from(signal.raw())) };
    Errno::result(result)?;
    // A parent that died before the call sends nothing any more.
    if getppid() != parent {
        kill::process(getpid(), signal)?;
    }
    Ok(())
}
