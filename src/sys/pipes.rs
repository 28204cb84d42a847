//! Which pipes are the standard descriptors of other processes
//! (proc_pid_fd(5)). Only links are read, which no file system can hold up.
//!
//! # Safety
//! The system calls are given pointers to whole values.
#![allow(unsafe_code, reason = "nix knows neither statx nor FIONREAD")]

use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::fixed_string::FixedString;
use crate::number;
use crate::sys::file;

/// A pipe or, by a hash of its path, a file that may be a FIFO.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pipe {
    Anonymous(u64),
    MaybeFifo(u64),
}

/// The standard descriptors of a process, as far as they may be pipes.
#[derive(Clone, Copy, Default, Debug)]
pub struct StandardPipes {
    pub input: Option<Pipe>,
    pub outputs: [Option<Pipe>; 2],
}

impl StandardPipes {
    /// # Errors
    /// EACCES: the process is another user's.
    pub fn of(pid: Pid) -> Result<Self, Errno> {
        Ok(Self {
            input: input(pid)?,
            outputs: [
                pipe(pid, libc::STDOUT_FILENO)?,
                pipe(pid, libc::STDERR_FILENO)?,
            ],
        })
    }
}

/// The standard input of a process, as far as it may be a pipe.
///
/// # Errors
/// EACCES: the process is another user's.
pub fn input(pid: Pid) -> Result<Option<Pipe>, Errno> {
    pipe(pid, libc::STDIN_FILENO)
}

/// Bytes of a link: the longest paths are hashed up to there.
const LONGEST_LINK: usize = 512;
/// Bytes of `/proc/PID/fd/N`.
const LONGEST_NAME: usize = 40;

fn link_name(pid: Pid, descriptor: i32) -> FixedString<LONGEST_NAME> {
    FixedString::new(format_args!("/proc/{pid}/fd/{descriptor}\0"))
}

fn pipe(pid: Pid, descriptor: i32) -> Result<Option<Pipe>, Errno> {
    let name = link_name(pid, descriptor);
    let mut link = [0_u8; LONGEST_LINK];
    // SAFETY: a string with its NUL; a buffer with its length.
    let length = unsafe {
        libc::readlink(
            name.as_bytes().as_ptr().cast(),
            link.as_mut_ptr().cast(),
            link.len(),
        )
    };
    let length = match Errno::result(length) {
        Ok(length) => usize::try_from(length).unwrap_or(0),
        // It is closed, or the process is gone.
        Err(Errno::ENOENT | Errno::ESRCH) => return Ok(None),
        Err(error) => return Err(error),
    };
    let link = link.get(..length).unwrap_or_default();
    let number = |link: &[u8]| {
        let number = link.strip_prefix(b"pipe:[")?.strip_suffix(b"]")?;
        number::parse(std::str::from_utf8(number).ok()?)
    };
    Ok(match number(link) {
        Some(inode) => Some(Pipe::Anonymous(inode)),
        None if link.starts_with(b"/") => Some(Pipe::MaybeFifo(hash(link))),
        None => None,
    })
}

/// FNV-1a: std's would take a kilobyte of code.
fn hash(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    bytes.iter().fold(BASIS, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

/// Whether the file at standard input is a FIFO. Does not ask its file system anew.
pub fn input_is_fifo(pid: Pid) -> bool {
    let name = link_name(pid, libc::STDIN_FILENO);
    let mut status = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: see above; all zeros are a valid one.
    let (result, status) = unsafe {
        let result = libc::syscall(
            libc::SYS_statx,
            libc::AT_FDCWD,
            name.as_bytes().as_ptr(),
            libc::AT_STATX_DONT_SYNC,
            libc::STATX_TYPE,
            status.as_mut_ptr(),
        );
        (result, status.assume_init())
    };
    result == 0 && libc::mode_t::from(status.stx_mode) & libc::S_IFMT == libc::S_IFIFO
}

/// How many bytes the pipe at standard input still holds. A reader more, for
/// that moment, changes nothing for those at its other end.
pub fn unread_input(pid: Pid) -> usize {
    let name = FixedString::<LONGEST_NAME>::new(format_args!("/proc/{pid}/fd/0"));
    let Ok(pipe) = file::open(name.as_str().as_ref()) else {
        return 0;
    };
    let mut count: libc::c_int = 0;
    // SAFETY: writes this number.
    let result = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) };
    Errno::result(result).map_or(0, |_| usize::try_from(count).unwrap_or(0))
}
