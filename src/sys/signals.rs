//! The one wait point. All signals are blocked, from the first moment on, and
//! read from the kernel: no handler runs, and none is lost.
//!
//! # Safety
//! The system calls are given pointers to whole, initialised values of the
//! kernel's types, and of the kernel's size.
#![allow(unsafe_code, reason = "libc hides signals 32 and 33")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use nix::unistd::{Pid, getpid};

use crate::signal::{Signal, Signals};
use crate::sys::descriptors::above_standard;
use crate::sys::kill;

/// Bytes of the kernel's signal set: a bit for each signal.
const KERNEL_SET: usize = if cfg!(any(target_arch = "mips", target_arch = "mips64")) {
    16
} else {
    8
};

/// A signal set as the kernel has it. libc's functions would take 32 and 33 out.
#[derive(Clone, Copy)]
#[repr(align(8))]
pub struct Mask([u8; KERNEL_SET]);

/// A signal that has arrived.
pub struct Arrival {
    pub signal: Signal,
    /// Who sent it: 0 is a process that this PID namespace does not see.
    /// `None`: the kernel did.
    pub sender: Option<Pid>,
}

impl Mask {
    const ALL: Self = Self([0xff; KERNEL_SET]);
    const NONE: Self = Self([0; KERNEL_SET]);

    fn of(signal: Signal) -> Self {
        let mut mask = Self::NONE;
        // The kernel's set is made of native words.
        let words = Signals::of(&[signal]).0.to_ne_bytes();
        for (byte, value) in mask.0.iter_mut().zip(words) {
            *byte = value;
        }
        mask
    }

    /// Makes this the mask.
    pub fn restore(&self) -> Result<(), Errno> {
        self.change(libc::SIG_SETMASK).map(drop)
    }

    /// Changes the mask by this set; gives the mask as it was.
    fn change(&self, how: i32) -> Result<Self, Errno> {
        let mut before = Self::NONE;
        // SAFETY: see above.
        let result = unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                how,
                self.0.as_ptr(),
                before.0.as_mut_ptr(),
                KERNEL_SET,
            )
        };
        Errno::result(result).map(|_| before)
    }
}

/// Blocks every signal that can be blocked. Gives the mask as it was inherited.
pub fn block_all() -> Result<Mask, Errno> {
    Mask::ALL.change(libc::SIG_SETMASK)
}

/// Where SIGCHLD was inherited as ignored, the kernel would take every exit
/// status away: puts it back to its default. Tells whether it was ignored.
pub fn undo_ignored_sigchld() -> bool {
    let mut inherited = MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: see above; the old action is read only where the call has written it.
    let ignored = unsafe {
        libc::sigaction(libc::SIGCHLD, ptr::null(), inherited.as_mut_ptr()) == 0
            && inherited.assume_init().sa_sigaction == libc::SIG_IGN
    };
    if ignored {
        set_default(Signal::CHLD);
    }
    ignored
}

/// Has the kernel reap every child that dies from now on. A blocked SIGCHLD
/// that a process sends still arrives.
pub fn ignore_sigchld() -> Result<(), Errno> {
    keep_sent_sigchld(|| dispose(Signal::CHLD, libc::SIG_IGN))
}

/// Has every child that dies from now on wait to be reaped.
pub fn heed_sigchld() {
    let _ = keep_sent_sigchld(|| dispose(Signal::CHLD, libc::SIG_DFL));
}

/// A SIGCHLD that is pending would be dropped by such a change (sigaction(2)):
/// one that a process has sent is put back as it was.
fn keep_sent_sigchld(change: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
    let at_once = timespec(Duration::ZERO);
    let mut info = no_info();
    let pending = take_raw(&Mask::of(Signal::CHLD), &at_once, &mut info);
    let changed = change();
    if pending.is_ok() && sender(&info).is_some() {
        // SAFETY: see above. To itself, a process may send any siginfo.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigqueueinfo,
                getpid().as_raw(),
                libc::SIGCHLD,
                &raw const info,
            )
        };
    }
    changed
}

fn set_default(signal: Signal) {
    let _ = dispose(signal, libc::SIG_DFL);
}

/// `disposition`: SIG_DFL or SIG_IGN.
fn dispose(signal: Signal, disposition: libc::sighandler_t) -> Result<(), Errno> {
    // SAFETY: installs no handler.
    let before = unsafe { libc::signal(signal.raw(), disposition) };
    Errno::result(before).map(drop)
}

/// What a wait has come to.
pub enum Wake {
    Signal(Arrival),
    /// The process waited beside is dead.
    Hangup,
    Time,
}

/// Waits for a signal, at most for `limit`.
///
/// # Errors
/// EINTR when rinit was stopped and continued, or traced.
pub fn wait(limit: Option<Duration>) -> Result<Wake, Errno> {
    let limit = limit.map(timespec);
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    take(&Mask::ALL, limit)
}

/// Tells poll(2) of signals (signalfd(2)). They are not read from it.
pub struct SignalFd(OwnedFd);

impl SignalFd {
    pub fn new() -> Result<Self, Errno> {
        // SAFETY: see above.
        let result = unsafe {
            libc::syscall(
                libc::SYS_signalfd4,
                -1,
                Mask::ALL.0.as_ptr(),
                KERNEL_SET,
                libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
            )
        };
        let descriptor = RawFd::try_from(Errno::result(result)?).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel has just made it, for nobody else.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self(above_standard(descriptor)?))
    }

    /// Waits for a signal or for the end of a process, which it is told of
    /// first: signals may never end. Else as [`wait`].
    pub fn wait_beside(&self, process: &impl AsFd, limit: Option<Duration>) -> Result<Wake, Errno> {
        let hangup = self.look_beside(process, limit);
        if hangup == Ok(true) {
            return Ok(Wake::Hangup);
        }
        match wait(Some(Duration::ZERO)) {
            Ok(Wake::Time) => hangup.map(|_| Wake::Time),
            signal => signal,
        }
    }

    /// Waits in the same way; tells whether the process has ended.
    pub fn look_beside(&self, process: &impl AsFd, limit: Option<Duration>) -> Result<bool, Errno> {
        let mut files = [
            PollFd::new(process.as_fd(), PollFlags::empty()),
            PollFd::new(self.0.as_fd(), PollFlags::POLLIN),
        ];
        ppoll(&mut files, limit.map(timespec).map(TimeSpec::from), None)?;
        let [process, _] = files;
        Ok(process.any() == Some(true))
    }
}

fn timespec(duration: Duration) -> libc::timespec {
    // SAFETY: all zeros are a valid timespec; it has padding on some targets.
    let mut timespec: libc::timespec = unsafe { std::mem::zeroed() };
    timespec.tv_sec = duration.as_secs().try_into().unwrap_or(i32::MAX.into());
    timespec.tv_nsec = duration.subsec_nanos() as _;
    timespec
}

fn take(mask: &Mask, limit: *const libc::timespec) -> Result<Wake, Errno> {
    let mut info = no_info();
    match take_raw(mask, limit, &mut info) {
        // A number above 64 exists on MIPS alone, and is nobody's.
        Ok(number) => Ok(Signal::new(number).map_or(Wake::Time, |signal| {
            Wake::Signal(Arrival {
                signal,
                sender: sender(&info),
            })
        })),
        Err(Errno::EAGAIN) => Ok(Wake::Time),
        Err(error) => Err(error),
    }
}

fn no_info() -> libc::siginfo_t {
    // SAFETY: all zeros are a valid one.
    unsafe { std::mem::zeroed() }
}

fn take_raw(
    mask: &Mask,
    limit: *const libc::timespec,
    info: &mut libc::siginfo_t,
) -> Result<i32, Errno> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: libc's set is larger than the kernel's, which is its beginning
    // and all that this call looks at.
    Errno::result(unsafe {
        set.as_mut_ptr().cast::<Mask>().write(*mask);
        libc::sigtimedwait(set.as_ptr(), info, limit)
    })
}

/// A positive code is the kernel's own, and no process can fake one (sigaction(2)).
fn sender(info: &libc::siginfo_t) -> Option<Pid> {
    // SAFETY: every signal that a process sends carries the sender's pid.
    (info.si_code <= 0).then(|| Pid::from_raw(unsafe { info.si_pid() }))
}

/// Stops rinit's own process group as Ctrl-Z does, by a real SIGTSTP at its
/// default action: unlike SIGSTOP, that does nothing where nobody could
/// continue the group. Tells whether somebody has continued it.
pub fn stop_own_group() -> bool {
    // A stop would drop it (signal(7)), and COMMAND with it, if it has come for that.
    if take_pending(Signal::CONT) {
        return true;
    }
    set_default(Signal::TSTP);
    let stop = Mask::of(Signal::TSTP);
    // A refusal leaves rinit running, as in a group that cannot stop.
    let _ = kill::own_group(Signal::TSTP);
    if stop.change(libc::SIG_UNBLOCK).is_ok() {
        // Here rinit was stopped, if it was.
        let _ = stop.change(libc::SIG_BLOCK);
    }
    take_pending(Signal::CONT)
}

fn take_pending(signal: Signal) -> bool {
    let at_once = timespec(Duration::ZERO);
    matches!(take(&Mask::of(signal), &at_once), Ok(Wake::Signal(_)))
}
