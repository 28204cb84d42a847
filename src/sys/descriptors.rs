//! Open files: rinit keeps none that came from outside, but standard error.
//!
//! # Safety
//! close_range(2), close(2) and dup2(2) take numbers and touch no memory. They
//! take descriptors away that came from outside, which no value in this
//! program owns.
#![allow(unsafe_code, reason = "descriptors that nothing owns")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use libc::{STDERR_FILENO, STDIN_FILENO, STDOUT_FILENO};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::write;

// SAFETY: as std has them: nothing in this program owns the standard
// descriptors; one that is closed gives EBADF.
pub const INPUT: BorrowedFd = unsafe { BorrowedFd::borrow_raw(STDIN_FILENO) };
// SAFETY: see above.
pub const OUTPUT: BorrowedFd = unsafe { BorrowedFd::borrow_raw(STDOUT_FILENO) };
// SAFETY: see above.
pub const ERROR: BorrowedFd = unsafe { BorrowedFd::borrow_raw(STDERR_FILENO) };

/// The first descriptor that has no meaning of its own.
const FIRST_FREE: RawFd = 3;
/// Where the kernel cannot close them all at once (close_range(2), before Linux
/// 5.9), each is tried up to the limit; but that may be a thousand million.
const LIMIT_OF_TRIALS: RawFd = 1 << 16;

/// Another descriptor of the same file, above standard error, closed by exec.
pub fn duplicate(file: impl AsFd) -> Result<OwnedFd, Errno> {
    let new = fcntl(file, FcntlArg::F_DUPFD_CLOEXEC(FIRST_FREE))?;
    // SAFETY: the kernel has just made it, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// The controlling terminal, above standard error. Does not wait for a line that is not up.
pub fn terminal() -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    above_standard(open("/dev/tty", flags, Mode::empty())?)
}

/// A descriptor that a system call happened to put where standard input,
/// output or error belong is moved away.
pub fn above_standard(file: OwnedFd) -> Result<OwnedFd, Errno> {
    if file.as_raw_fd() < FIRST_FREE {
        duplicate(file)
    } else {
        Ok(file)
    }
}

/// The inode of the pipe at standard input, if that is one.
#[allow(clippy::useless_conversion, reason = "some targets have 32 bits")]
pub fn input_pipe() -> Option<u64> {
    let status = fstat(INPUT).ok()?;
    let is_pipe = status.st_mode & libc::S_IFMT == libc::S_IFIFO;
    is_pipe.then(|| status.st_ino.into())
}

/// Writes to standard output, to the end.
pub fn print(bytes: &[u8]) -> Result<(), Errno> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match write(OUTPUT, rest)? {
            0 => return Err(Errno::EIO),
            written => rest = rest.get(written..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// Closes every descriptor above standard error.
pub fn close_inherited() {
    // SAFETY: see above.
    let result = unsafe { libc::syscall(libc::SYS_close_range, FIRST_FREE, libc::c_uint::MAX, 0) };
    if result == -1 {
        for descriptor in FIRST_FREE..limit() {
            // SAFETY: see above.
            unsafe { libc::close(descriptor) };
        }
    }
}

fn limit() -> RawFd {
    getrlimit(Resource::RLIMIT_NOFILE)
        .ok()
        .and_then(|(limit, _)| RawFd::try_from(limit).ok())
        .map_or(LIMIT_OF_TRIALS, |limit| limit.min(LIMIT_OF_TRIALS))
}

/// Lets go of standard input and output, and fills the place of a closed
/// standard error, so that whatever is opened later lands above them.
pub fn detach() {
    let Ok(nothing) = nothing() else { return };
    let nothing = nothing.into_raw_fd();
    // SAFETY: see above. `nothing` may itself be one of the three, where that was closed:
    // dup2 then leaves it as it is, and it is to stay.
    unsafe {
        for standard in [STDIN_FILENO, STDOUT_FILENO] {
            libc::dup2(nothing, standard);
        }
        if nothing >= FIRST_FREE {
            // It got the lowest that was free, so that standard error is open.
            libc::close(nothing);
        } else if libc::fcntl(STDERR_FILENO, libc::F_GETFD) == -1 {
            libc::dup2(nothing, STDERR_FILENO);
        }
    }
}

/// /dev/null; where there is none, the root directory in a way that can be
/// neither read nor written (O_PATH, open(2)).
fn nothing() -> Result<OwnedFd, Errno> {
    open("/dev/null", OFlag::O_RDWR, Mode::empty())
        .or_else(|_| open("/", OFlag::O_PATH, Mode::empty()))
}
