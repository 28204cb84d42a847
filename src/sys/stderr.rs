//! Standard error, which may be closed, full or broken, and must never hold
//! rinit up.
//!
//! # Safety
//! The system calls are given a buffer that outlives them, with its length.
#![allow(
    unsafe_code,
    reason = "neither std nor nix writes without waiting on a shared descriptor"
)]

use std::os::fd::{AsFd, AsRawFd};

use libc::STDERR_FILENO;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, SFlag, fstat};

use crate::sys::descriptors::ERROR;

/// Writes as much as goes without waiting. The descriptor is shared with
/// COMMAND, so that it must not be made non-blocking.
pub fn write(bytes: &[u8]) {
    let kind = kind();
    match write_without_waiting(bytes) {
        Ok(()) => return,
        // A regular file is never full, but may be slow.
        Err(Errno::EAGAIN) if kind != SFlag::S_IFREG => return,
        Err(_) => {}
    }
    // SAFETY: takes a number.
    let is_terminal = unsafe { libc::isatty(STDERR_FILENO) } == 1;
    match kind {
        SFlag::S_IFSOCK => send_without_waiting(bytes),
        SFlag::S_IFIFO => write_reopened(bytes).unwrap_or_else(|_| write_if_writable(bytes)),
        _ if is_terminal => write_reopened(bytes).unwrap_or_else(|_| write_by_lines(bytes)),
        _ => write_if_writable(bytes),
    }
}

/// Opened anew, a pipe or a terminal has flags of its own that COMMAND does
/// not share. A regular file would have an offset of its own as well, and be
/// overwritten. Closed again at once: most containers never see a second message.
///
/// # Errors
/// EACCES where it belongs to another user, ENOENT where /proc is not there.
fn write_reopened(bytes: &[u8]) -> Result<(), Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let own = open(c"/proc/self/fd/2", flags, Mode::empty())?;
    write_to(own, bytes);
    Ok(())
}

fn send_without_waiting(bytes: &[u8]) {
    // SAFETY: see above.
    unsafe {
        libc::send(
            STDERR_FILENO,
            bytes.as_ptr().cast(),
            bytes.len(),
            libc::MSG_DONTWAIT,
        )
    };
}

/// A terminal takes as much as its buffer grows by, and looks at the room anew
/// for a line feed, which may become two characters.
fn write_by_lines(bytes: &[u8]) {
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        text.chunks(TERMINAL_ROOM).for_each(write_if_writable);
        write_if_writable(b"\n");
    }
}

/// Bytes that a terminal grows its buffer by (TTYB_ALIGN_MASK in the kernel's
/// drivers/tty/tty_buffer.c).
const TERMINAL_ROOM: usize = 256;

/// What poll(2) calls writable takes a whole line, if it is a pipe; unless
/// somebody else has filled it in between.
fn write_if_writable(bytes: &[u8]) {
    if is_writable() {
        write_to(ERROR, bytes);
    }
}

/// What cannot be written is lost.
fn write_to(file: impl AsFd, bytes: &[u8]) {
    let file = file.as_fd().as_raw_fd();
    // SAFETY: see above.
    unsafe { libc::write(file, bytes.as_ptr().cast(), bytes.len()) };
}

/// # Errors
/// EAGAIN where it would have to wait; EOPNOTSUPP where the file (a terminal)
/// or the kernel (before 6.5 for a pipe) does not know.
fn write_without_waiting(bytes: &[u8]) -> Result<(), Errno> {
    let piece = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // syscall(2) hands on whole registers.
    let [count, at_end, flags]: [libc::c_long; 3] = [1, -1, libc::RWF_NOWAIT.into()];
    // SAFETY: see above; the kernel only reads from the buffer (pwritev2(2)).
    let result = unsafe {
        libc::syscall(
            libc::SYS_pwritev2,
            STDERR_FILENO,
            &raw const piece,
            count,
            at_end,
            at_end,
            flags,
        )
    };
    Errno::result(result).map(drop)
}

/// Nothing, where it is closed.
fn kind() -> SFlag {
    fstat(ERROR).map_or(SFlag::empty(), |status| {
        SFlag::from_bits_truncate(status.st_mode).intersection(SFlag::S_IFMT)
    })
}

fn is_writable() -> bool {
    let mut stderr = libc::pollfd {
        fd: STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one element, and the count of one.
    unsafe { libc::poll(&raw mut stderr, 1, 0) == 1 && stderr.revents & libc::POLLOUT != 0 }
}
