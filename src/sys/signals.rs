//! The one wait point. All signals are blocked, from the first moment on, and
//! read from the kernel: no handler runs, and no kind of signal is missed.
//!
//! # Safety
//! The system calls are given pointers to whole, initialised values of the
//! kernel's types, and of the kernel's size.
#![allow(unsafe_code, reason = "libc hides signals 32 and 33")]

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
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
    /// Whose death, stop or continuation the kernel announces. Others may have died since: a second
    /// SIGCHLD is not queued.
    pub child: Option<Pid>,
}

impl Mask {
    const ALL: Self = Self([0xff; KERNEL_SET]);
    const NONE: Self = Self([0; KERNEL_SET]);

    fn of(signal: Signal) -> Self {
        let mut mask = Self::NONE;
        // The kernel's set is made of its own words, the lower signals first.
        let bits = Signals::of(&[signal]).0;
        let words = if cfg!(all(target_endian = "big", target_pointer_width = "32")) {
            bits.rotate_right(u32::BITS).to_ne_bytes()
        } else {
            bits.to_ne_bytes()
        };
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

/// Blocks every signal that can be blocked. Returns the mask as it was inherited.
pub fn block_all() -> Result<Mask, Errno> {
    Mask::ALL.change(libc::SIG_SETMASK)
}

/// Where SIGCHLD was inherited as ignored, the kernel would take every exit
/// status away: puts it back to its default. Returns whether it was ignored.
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
    let mut info = no_info();
    let pending = take_raw(&Mask::of(Signal::CHLD), &NOW, &mut info);
    let changed = change();
    if pending.is_ok() && is_of_process(info.si_code) {
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
pub enum Event {
    Signal(Arrival),
    /// The process waited beside is dead.
    Hangup,
    Time,
}

/// Reads signals from the kernel, by rt_sigtimedwait(2) or, where that is refused (by an
/// old seccomp profile that does not know the call with 64-bit time), by signalfd(2).
pub struct SignalReader {
    /// Also announces signals to poll(2).
    fd: Option<SignalFd>,
    wait_is_refused: bool,
}

impl SignalReader {
    /// # Errors
    /// Neither way is granted: signals would never be seen.
    pub fn new() -> Result<Self, Errno> {
        let wait_is_refused =
            !matches!(take(&Mask::NONE, &NOW), Ok(Event::Time) | Err(Errno::EINTR));
        if wait_is_refused {
            // Only tried: it is not to be among those that are closed before the first wait.
            SignalFd::new(&Mask::ALL)?;
        }
        Ok(Self {
            fd: None,
            wait_is_refused,
        })
    }

    /// Waits for a signal, at most for `limit`, or for the end of a process, which is reported
    /// first: signals may never end.
    ///
    /// # Errors
    /// EINTR when rinit was stopped and continued, or traced.
    pub fn wait(
        &mut self,
        limit: Option<Duration>,
        beside: Option<&impl AsFd>,
    ) -> Result<Event, Errno> {
        if !self.wait_is_refused && beside.is_none() {
            let limit = limit.map(timespec);
            return take(
                &Mask::ALL,
                limit.as_ref().map_or(ptr::null(), ptr::from_ref),
            );
        }
        let wait_is_refused = self.wait_is_refused;
        let fd = self.fd()?;
        let hangup = fd.poll(limit, beside);
        if hangup == Ok(true) {
            return Ok(Event::Hangup);
        }
        let event = if wait_is_refused {
            fd.read()
        } else {
            take(&Mask::ALL, &NOW)
        };
        match event {
            Ok(Event::Time) => hangup.map(|_| Event::Time),
            event => event,
        }
    }

    /// Whatever can be refused of waiting beside a process is refused here.
    pub fn prepare_to_wait_beside(&mut self, process: &impl AsFd) -> Result<(), Errno> {
        self.fd()?
            .poll(Some(Duration::ZERO), Some(process))
            .map(drop)
    }

    fn fd(&mut self) -> Result<&SignalFd, Errno> {
        match &mut self.fd {
            Some(fd) => Ok(fd),
            none => Ok(none.insert(SignalFd::new(&Mask::ALL)?)),
        }
    }
}

/// A file of the signals that are pending (signalfd(2)).
struct SignalFd(OwnedFd);

impl SignalFd {
    fn new(mask: &Mask) -> Result<Self, Errno> {
        // SAFETY: see above.
        let result = unsafe {
            libc::syscall(
                libc::SYS_signalfd4,
                -1,
                mask.0.as_ptr(),
                KERNEL_SET,
                libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
            )
        };
        let descriptor = RawFd::try_from(Errno::result(result)?).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel has just made it, for nobody else.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self(above_standard(descriptor)?))
    }

    /// Waits for a signal or for the end of a process; returns whether that has ended.
    fn poll(&self, limit: Option<Duration>, beside: Option<&impl AsFd>) -> Result<bool, Errno> {
        let limit = limit.map(timespec).map(TimeSpec::from);
        let signals = PollFd::new(self.0.as_fd(), PollFlags::POLLIN);
        let Some(process) = beside else {
            return ppoll(&mut [signals], limit, None).map(|_| false);
        };
        let mut files = [PollFd::new(process.as_fd(), PollFlags::empty()), signals];
        ppoll(&mut files, limit, None)?;
        let [process, _] = files;
        Ok(process.any() == Some(true))
    }

    /// Takes a pending signal.
    fn read(&self) -> Result<Event, Errno> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: see above; all zeros are a valid one, and the kernel writes whole ones.
        let (result, info) = unsafe {
            let result = libc::read(self.0.as_raw_fd(), info.as_mut_ptr().cast(), size);
            (result, info.assume_init())
        };
        match Errno::result(result) {
            Ok(_) => {}
            Err(Errno::EAGAIN) => return Ok(Event::Time),
            Err(error) => return Err(error),
        }
        Ok(event(
            info.ssi_signo.try_into().unwrap_or(0),
            info.ssi_code,
            info.ssi_pid.try_into().unwrap_or(0),
        ))
    }
}

/// Does not wait.
const NOW: libc::timespec = {
    // SAFETY: all zeros are a valid timespec; it has padding on some targets.
    unsafe { std::mem::zeroed() }
};

fn timespec(duration: Duration) -> libc::timespec {
    let mut timespec = NOW;
    timespec.tv_sec = duration.as_secs().try_into().unwrap_or(i32::MAX.into());
    timespec.tv_nsec = duration.subsec_nanos() as _;
    timespec
}

fn take(mask: &Mask, limit: *const libc::timespec) -> Result<Event, Errno> {
    let mut info = no_info();
    match take_raw(mask, limit, &mut info) {
        // SAFETY: the signals of processes carry a pid, and so does SIGCHLD; event() uses no other.
        Ok(number) => Ok(event(number, info.si_code, unsafe { info.si_pid() })),
        Err(Errno::EAGAIN) => Ok(Event::Time),
        Err(error) => Err(error),
    }
}

/// A number above 64 exists on MIPS alone, and is nobody's.
fn event(number: i32, code: i32, pid: libc::pid_t) -> Event {
    let Some(signal) = Signal::new(number) else {
        return Event::Time;
    };
    let is_of_process = is_of_process(code);
    // F_SETSIG with SIGCHLD, before Linux 4.16, names no child (fcntl(2)).
    let is_of_child = !is_of_process && signal == Signal::CHLD && pid > 0;
    let pid = Pid::from_raw(pid);
    Event::Signal(Arrival {
        signal,
        sender: is_of_process.then_some(pid),
        child: is_of_child.then_some(pid),
    })
}

/// A positive code is the kernel's: no other process can send one (rt_sigqueueinfo(2)).
fn is_of_process(code: i32) -> bool {
    code <= 0
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
    // and all that this call reads.
    Errno::result(unsafe {
        set.as_mut_ptr().cast::<Mask>().write(*mask);
        libc::sigtimedwait(set.as_ptr(), info, limit)
    })
}

/// Stops rinit's own process group as Ctrl-Z does, by a real SIGTSTP at its
/// default action: unlike SIGSTOP, that does nothing where nobody could
/// continue the group. Returns whether somebody has continued it.
pub fn stop_own_group() -> bool {
    // A stop discards a pending SIGCONT (POSIX, 2.4.1 Signal Generation and Delivery): the one that
    // was to continue COMMAND too.
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
    let mask = Mask::of(signal);
    let taken = take(&mask, &NOW).or_else(|_| SignalFd::new(&mask)?.read());
    matches!(taken, Ok(Event::Signal(_)))
}
