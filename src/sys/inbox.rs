//! The one wait point. All signals are blocked, from the first moment on, and
//! read from the kernel: no handler runs, and none is lost.
//!
//! # Safety
//! The system calls are given pointers to whole, initialised values of the
//! kernel's types, and of the kernel's size.
#![allow(unsafe_code, reason = "libc hides signals 32 and 33")]

use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::signal::Signal;
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
        let bit = u64::from(signal.number()).saturating_sub(1);
        let mut mask = Self::NONE;
        let set = 1_u64.checked_shl(bit as u32).unwrap_or(0);
        // The kernel's set is made of native words.
        for (byte, value) in mask.0.iter_mut().zip(set.to_ne_bytes()) {
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

fn set_default(signal: Signal) {
    // SAFETY: installs no handler.
    unsafe { libc::signal(signal.raw(), libc::SIG_DFL) };
}

/// Waits for a signal, at most for `limit`. `None`: none has come.
///
/// # Errors
/// EINTR when rinit was stopped and continued, or traced.
pub fn wait(limit: Option<Duration>) -> Result<Option<Arrival>, Errno> {
    let limit = limit.map(timespec);
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    take(&Mask::ALL, limit)
}

fn timespec(duration: Duration) -> libc::timespec {
    // SAFETY: all zeros are a valid timespec; it has padding on some targets.
    let mut timespec: libc::timespec = unsafe { std::mem::zeroed() };
    timespec.tv_sec = duration.as_secs().try_into().unwrap_or(libc::time_t::MAX);
    timespec.tv_nsec = duration.subsec_nanos() as _;
    timespec
}

fn take(mask: &Mask, limit: *const libc::timespec) -> Result<Option<Arrival>, Errno> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: libc's set is larger than the kernel's, which is its beginning
    // (a plain copy keeps 32 and 33 in it); all zeros are a valid siginfo.
    let (result, info) = unsafe {
        ptr::copy_nonoverlapping(mask.0.as_ptr(), set.as_mut_ptr().cast(), KERNEL_SET);
        let result = libc::sigtimedwait(set.as_ptr(), info.as_mut_ptr(), limit);
        (result, info.assume_init())
    };
    match Errno::result(result) {
        // A number above 64 exists on MIPS alone, and is nobody's.
        Ok(number) => Ok(Signal::new(number).map(|signal| Arrival {
            signal,
            sender: sender(&info),
        })),
        Err(Errno::EAGAIN) => Ok(None),
        Err(error) => Err(error),
    }
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
    set_default(Signal::TSTP);
    let stop = Mask::of(Signal::TSTP);
    // A refusal leaves rinit running, as in a group that cannot stop.
    let _ = kill::own_group(Signal::TSTP);
    if stop.change(libc::SIG_UNBLOCK).is_ok() {
        // Here rinit was stopped, if it was.
        let _ = stop.change(libc::SIG_BLOCK);
    }
    let at_once = timespec(Duration::ZERO);
    matches!(take(&Mask::of(Signal::CONT), &at_once), Ok(Some(_)))
}
