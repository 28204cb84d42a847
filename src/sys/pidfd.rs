//! Processes referred to by descriptor (pidfd_open(2)): unlike its number,
//! that never comes to mean another process.
//!
//! # Safety
//! The system calls take numbers and touch no memory, but the ioctl, which is
//! given a whole structure of the size that its number encodes.
#![allow(unsafe_code, reason = "nix knows no pidfd")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::ending::Ending;
use crate::signal::Signal;
use crate::sys::descriptors::above_standard;

/// A process and the group that it leads.
pub struct Pidfd(OwnedFd);

impl Pidfd {
    /// Refers to a child that is not reaped yet, so that the number is still its own.
    pub fn open(child: Pid) -> Result<Self, Errno> {
        // SAFETY: see above.
        let result = unsafe { libc::syscall(libc::SYS_pidfd_open, child.as_raw(), 0) };
        let descriptor = Errno::result(result)?;
        let descriptor = RawFd::try_from(descriptor).map_err(|_| Errno::EBADF)?;
        // SAFETY: the kernel has just made it, for nobody else.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self(above_standard(descriptor)?))
    }

    /// How the process has ended, once it is reaped, by whomever. Linux 6.15 and later.
    pub fn ending(&self) -> Result<Option<Ending>, Errno> {
        let mut info = Info {
            mask: INFO_EXIT,
            ..Info::default()
        };
        // SAFETY: see above.
        unsafe { get_info(self.0.as_raw_fd(), &raw mut info) }?;
        if info.mask & INFO_EXIT == 0 {
            return Ok(None);
        }
        let ending = Ending::from_wait_status(info.wait_status);
        ending.map(Some).ok_or(Errno::EINVAL)
    }

    pub fn signal(&self, signal: Signal) -> Result<(), Errno> {
        self.send(signal.raw(), 0)
    }

    /// To the process group that the process leads or led, as kill(2) does. Linux 6.9 and later.
    pub fn signal_group(&self, signal: Signal) -> Result<(), Errno> {
        self.send(signal.raw(), SIGNAL_PROCESS_GROUP)
    }

    /// Whether anybody is in that group: ESRCH means that nobody is.
    pub fn probe_group(&self) -> Result<(), Errno> {
        self.send(0, SIGNAL_PROCESS_GROUP)
    }

    fn send(&self, signal: i32, flags: libc::c_uint) -> Result<(), Errno> {
        let info = ptr::null::<libc::siginfo_t>();
        // SAFETY: see above; without an info the kernel makes that of kill(2).
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal,
                info,
                flags,
            )
        };
        Errno::result(result).map(drop)
    }
}

/// Hangs up, for poll(2), when the process has been reaped.
impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// PIDFD_SIGNAL_PROCESS_GROUP of linux/pidfd.h.
const SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
/// PIDFD_INFO_EXIT: asks for the wait status, and shows that it is there.
const INFO_EXIT: u64 = 1 << 3;

/// struct pidfd_info of linux/pidfd.h, in its first size.
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    wait_status: i32,
}

// PIDFD_GET_INFO
nix::ioctl_readwrite!(get_info, 0xff, 11, Info);
