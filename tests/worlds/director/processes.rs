//! Processes by descriptors of theirs, and who they are.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;

pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: a new descriptor of our own.
    unsafe {
        match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
            descriptor @ 0.. => Ok(OwnedFd::from_raw_fd(descriptor as RawFd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

pub fn send_by(pidfd: &OwnedFd, signal: i32) -> bool {
    // SAFETY: a system call on numbers.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        ) == 0
    }
}

/// The wait status of a process that was reaped, whoever its parent was.
pub fn exit_status(pidfd: &OwnedFd) -> Option<i32> {
    const PIDFD_GET_INFO: libc::c_ulong = 0xc040_ff0b;
    const PIDFD_INFO_EXIT: u64 = 1 << 3;
    // struct pidfd_info, as it first was: a mask of 64 bits at its beginning, the status at its end.
    let mut info = [0_u32; 16];
    info[0] = PIDFD_INFO_EXIT as u32;
    // SAFETY: the kernel fills in 64 bytes.
    let result = unsafe { libc::ioctl(pidfd.as_raw_fd(), PIDFD_GET_INFO as _, info.as_mut_ptr()) };
    (result == 0 && u64::from(info[0]) & PIDFD_INFO_EXIT != 0).then_some(info[15] as i32)
}

pub fn pass_credentials(socket: &UnixDatagram) {
    let on: libc::c_int = 1;
    // SAFETY: the kernel reads the number.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PASSCRED,
            (&raw const on).cast(),
            size_of_val(&on) as u32,
        )
    };
}

/// Which actor it is, and its pid here, as the kernel tells.
pub fn receive(socket: &UnixDatagram) -> Option<(usize, i32)> {
    // SAFETY: the kernel writes into the buffers, which are as long as it is told.
    unsafe {
        let mut byte = 0_u8;
        let mut part = libc::iovec {
            iov_base: (&raw mut byte).cast(),
            iov_len: 1,
        };
        let mut control = [0_u64; 8];
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        if libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) != 1 {
            return None;
        }
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() || (*header).cmsg_type != libc::SCM_CREDENTIALS {
            return None;
        }
        let sender: *const libc::ucred = libc::CMSG_DATA(header).cast();
        Some((byte.into(), (*sender).pid))
    }
}
