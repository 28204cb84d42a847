//! Small files of the kernel's, read without taking memory from the heap.
//!
//! Where std asks again and again at EINTR, this takes it for any other
//! refusal: no handler ever runs in rinit, so that no signal interrupts it.

use std::fmt::Arguments;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open as open_path};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::read as read_some;

use crate::fixed_string::FixedString;

/// Bytes. The longest paths are those of cgroups.
const LONGEST_PATH: usize = 1024;

/// Reads as much of the file's beginning as the buffer takes.
pub fn read<'b>(path: Arguments, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let path = FixedString::<LONGEST_PATH>::new(path);
    fill(&open(path.as_str().as_ref()).ok()?, buffer)
}

/// The same of a regular file, up to that many bytes, in memory from the heap.
pub fn beginning(path: &Path, limit: usize) -> Option<Vec<u8>> {
    let file = open(path).ok()?;
    let stat = fstat(&file).ok()?;
    // Reading a FIFO or a device could wait.
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return None;
    }
    let size = usize::try_from(stat.st_size).ok()?.min(limit);
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).ok()?;
    bytes.resize(size, 0);
    let length = fill(&file, &mut bytes)?.len();
    bytes.truncate(length);
    Some(bytes)
}

fn fill<'b>(file: &OwnedFd, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let mut length: usize = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match read_some(file, rest).ok()? {
            0 => break,
            more => length = length.checked_add(more)?,
        }
    }
    buffer.get(..length)
}

/// Opens a file to read, whatever lies in its place: a FIFO must not make
/// rinit wait, nor a terminal become its own.
pub fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    open_path(path, flags, Mode::empty())
}
