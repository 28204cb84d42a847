//! Standard error, which may be closed, full or broken, and must never hold
//! rinit up.
//!
//! # Safety
//! The system calls are given a buffer that outlives them, with its length.
#![allow(
    unsafe_code,
    reason = "neither std nor nix writes without waiting on a shared descriptor"
)]

use libc::STDERR_FILENO;
use nix::errno::Errno;
use nix::sys::stat::{SFlag, fstat};

use crate::sys::descriptors::ERROR;

/// Writes as much as goes without waiting. The descriptor is shared with
/// COMMAND, so that it must not be made non-blocking.
pub fn write(bytes: &[u8]) {
    match write_without_waiting(bytes) {
        Ok(()) => return,
        // It is full. Room that poll(2) finds now may be gone at the write, which then waits.
        Err(Errno::EAGAIN) if !is_regular_file() => return,
        Err(_) => {}
    }
    // What poll(2) calls writable takes a whole line, if it is a pipe.
    // SAFETY: takes a number.
    if unsafe { libc::isatty(STDERR_FILENO) } == 0 {
        write_if_writable(bytes);
        return;
    }
    // A terminal takes as much as its buffer grows by, and looks at the room
    // anew for a line feed, which may become two characters.
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        text.chunks(TERMINAL_ROOM).for_each(write_if_writable);
        write_if_writable(b"\n");
    }
}

/// Bytes that a terminal grows its buffer by (TTYB_ALIGN_MASK in the kernel's
/// drivers/tty/tty_buffer.c).
const TERMINAL_ROOM: usize = 256;

fn write_if_writable(bytes: &[u8]) {
    if is_writable() {
        // SAFETY: see above.
        unsafe { libc::write(STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
    }
}

/// # Errors
/// EAGAIN where it would have to wait; EOPNOTSUPP where the file (a terminal)
/// or the kernel (before 4.14) cannot tell.
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

/// One that is, is never full, but may be slow.
fn is_regular_file() -> bool {
    let kind = fstat(ERROR).map(|status| SFlag::from_bits_truncate(status.st_mode));
    kind.is_ok_and(|kind| kind.intersection(SFlag::S_IFMT) == SFlag::S_IFREG)
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
