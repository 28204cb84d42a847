//! Children that have died or stopped (wait(2)).
//!
//! # Safety
//! The system calls are given pointers to whole values, which are read only
//! where the call has succeeded.
#![allow(
    unsafe_code,
    reason = "nix's waitpid loses a death by a real-time signal"
)]

use std::mem::MaybeUninit;
use std::ptr;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::ending::Ending;
use crate::signal::Signal;

/// How many deaths, or stops, to see to before signals and deadlines get their turn.
pub const BATCH: usize = 4096;

/// What there is to reap.
pub enum Reaped {
    Child(Pid, Ending),
    /// Children are left, and all of them live.
    NoneDead,
    NoneLeft,
}

/// Reaps a dead child, if there is one.
pub fn reap_next() -> Result<Reaped, Errno> {
    reap(-1, libc::P_ALL, 0)
}

/// Reaps that child, if it is dead; `NoneLeft` means that it is none.
pub fn reap_one(child: Pid) -> Result<Reaped, Errno> {
    let id = libc::id_t::try_from(child.as_raw()).map_err(|_| Errno::ECHILD)?;
    reap(child.as_raw(), libc::P_PID, id)
}

/// Whom, as waitpid(2) has it, and as waitid(2) does.
fn reap(who: libc::pid_t, kind: libc::idtype_t, id: libc::id_t) -> Result<Reaped, Errno> {
    let mut status = 0;
    // SAFETY: see above.
    let result = Errno::result(unsafe { libc::waitpid(who, &raw mut status, libc::WNOHANG) });
    let dead = match result {
        // Whoever refuses this call may allow another, and the status is worth a try.
        Err(error) if error != Errno::ECHILD => {
            waitid(kind, id, libc::WEXITED).map(|info| wait_status(&info))
        }
        result => result.map(|pid| (pid, status)),
    };
    match dead {
        Ok((0, _)) => Ok(Reaped::NoneDead),
        // Without WUNTRACED and WCONTINUED, every status is that of an end.
        Ok((pid, status)) => Ending::from_wait_status(status)
            .map(|ending| Reaped::Child(Pid::from_raw(pid), ending))
            .ok_or(Errno::EINVAL),
        Err(Errno::ECHILD) => Ok(Reaped::NoneLeft),
        Err(error) => Err(error),
    }
}

/// The pid, 0 if there is none, and the status as wait(2) has it.
fn wait_status(info: &libc::siginfo_t) -> (libc::pid_t, i32) {
    // SAFETY: waitid(2) fills both in, or leaves the zeros that were there.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    match info.si_code {
        libc::CLD_EXITED => (pid, libc::W_EXITCODE(status, 0)),
        libc::CLD_DUMPED => (pid, status | CORE_DUMPED),
        _ => (pid, status),
    }
}

/// The bit of a wait status that libc::WCOREDUMP looks at.
const CORE_DUMPED: i32 = 0x80;

/// Waits for the end of that one child, as far as the kernel lets rinit.
pub fn wait_for(child: Pid) {
    // SAFETY: see above; the status is not asked for.
    unsafe { libc::waitpid(child.as_raw(), ptr::null_mut(), 0) };
}

/// The next child that [`reap_next`] would reap, still a zombie, so that its name
/// can be read.
///
/// # Errors
/// ECHILD: no child is left.
pub fn next_dead() -> Result<Option<Pid>, Errno> {
    let info = ask(libc::P_ALL, 0, libc::WEXITED)?;
    // SAFETY: waitid(2) fills the pid in, or leaves the zero that was there.
    let pid = unsafe { info.si_pid() };
    Ok((pid != 0).then(|| Pid::from_raw(pid)))
}

/// Reaps by `reap`, and returns with it what `see` has found out about the child before: what is
/// known of a zombie goes with it. `None` where another one has died since, and was reaped.
pub fn reap_seen<T>(
    see: impl FnOnce(Pid) -> T,
    reap: impl FnOnce() -> Result<Reaped, Errno>,
) -> (Result<Reaped, Errno>, Option<T>) {
    let seen = next_dead().ok().flatten().map(|pid| (pid, see(pid)));
    let reaped = reap();
    let is_same = |pid| matches!(reaped, Ok(Reaped::Child(child, _)) if child == pid);
    let seen = seen.filter(|(pid, _)| is_same(*pid));
    (reaped, seen.map(|(_, seen)| seen))
}

/// How the child has ended, if it is dead and not reaped yet.
pub fn ending_of_zombie(child: Pid) -> Option<Ending> {
    let id = libc::id_t::try_from(child.as_raw()).ok()?;
    let (pid, status) = wait_status(&ask(libc::P_PID, id, libc::WEXITED).ok()?);
    Ending::from_wait_status(status).filter(|_| pid != 0)
}

/// The signal that has stopped the child, if it is stopped.
pub fn stopped_by(child: Pid) -> Option<Signal> {
    let id = libc::id_t::try_from(child.as_raw()).ok()?;
    stopped(ask(libc::P_PID, id, libc::WSTOPPED)).map(|(_, signal)| signal)
}

/// A child that has stopped since this was last asked, and the signal that has stopped it.
pub fn next_stopped() -> Option<(Pid, Signal)> {
    stopped(waitid(libc::P_ALL, 0, libc::WSTOPPED))
}

fn stopped(info: Result<libc::siginfo_t, Errno>) -> Option<(Pid, Signal)> {
    let info = info.ok()?;
    // SAFETY: waitid(2) fills both in, or leaves the zeros that were there.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Some(Pid::from_raw(pid)).zip(Signal::new(status))
}

/// Whether rinit has a child in that process group, dead or alive. Exact,
/// unlike the list in /proc.
pub fn has_child_in(group: Pid) -> bool {
    let Ok(id) = libc::id_t::try_from(group.as_raw()) else {
        return false;
    };
    !matches!(ask(libc::P_PGID, id, libc::WEXITED), Err(Errno::ECHILD))
}

/// Asks without reaping.
fn ask(kind: libc::idtype_t, id: libc::id_t, events: i32) -> Result<libc::siginfo_t, Errno> {
    waitid(kind, id, events | libc::WNOWAIT)
}

/// Asks without waiting.
fn waitid(kind: libc::idtype_t, id: libc::id_t, events: i32) -> Result<libc::siginfo_t, Errno> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = events | libc::WNOHANG;
    // SAFETY: see above; all zeros are a valid siginfo.
    let (result, info) = unsafe {
        let result = libc::waitid(kind, id, info.as_mut_ptr(), options);
        (result, info.assume_init())
    };
    Errno::result(result).map(|_| info)
}
