//! What is in a directory (getdents64(2)). std's reader, and nix's, take memory
//! from the heap, and panic where a directory cannot be closed.
//!
//! # Safety
//! The system call is given a buffer with its length, and fills a part of it.
#![allow(
    unsafe_code,
    reason = "the C library's own reader takes memory as well"
)]

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

/// Bytes, for some hundred names.
const BUFFER_SIZE: usize = 4096;

/// Aligned as the entries in it.
#[repr(align(8))]
struct Buffer([u8; BUFFER_SIZE]);

/// Calls `inspect` with each name until it breaks off; returns what it breaks off with.
#[inline(never)] // for the buffer, as in cgroup.rs
pub fn visit<T>(
    directory: &Path,
    mut inspect: impl FnMut(&OsStr) -> ControlFlow<T>,
) -> Result<Option<T>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = open(directory, flags, Mode::empty())?;
    let mut buffer = Buffer([0; BUFFER_SIZE]);
    loop {
        let length = read(&directory, &mut buffer)?;
        let mut entries = buffer.0.get(..length).unwrap_or_default();
        if entries.is_empty() {
            return Ok(None);
        }
        while let Some((name, behind)) = first_name(entries) {
            if let ControlFlow::Break(end) = inspect(name) {
                return Ok(Some(end));
            }
            entries = behind;
        }
    }
}

/// Reads some more entries, and gives their length together.
fn read(directory: &OwnedFd, buffer: &mut Buffer) -> Result<usize, Errno> {
    // SAFETY: see above.
    let length = Errno::result(unsafe {
        libc::syscall(
            libc::SYS_getdents64,
            directory.as_raw_fd(),
            buffer.0.as_mut_ptr(),
            BUFFER_SIZE,
        )
    })?;
    Ok(usize::try_from(length).unwrap_or(0))
}

/// The first entry's name, and the entries behind it.
///
/// An entry begins with two numbers of eight bytes, its length in two, and its
/// type in one; a NUL ends the name.
fn first_name(entries: &[u8]) -> Option<(&OsStr, &[u8])> {
    let length = entries.get(16..18)?.try_into().ok()?;
    let length = u16::from_ne_bytes(length).into();
    let name = entries.get(19..length)?;
    let name = name.split(|byte| *byte == 0).next()?;
    Some((OsStr::from_bytes(name), entries.get(length..)?))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn every_name_is_seen_once() {
        let own = std::env::temp_dir().join(format!("rinit-test-names-{}", std::process::id()));
        std::fs::create_dir(&own).unwrap();
        let mut names: Vec<OsString> = (0..1000)
            .map(|number| format!("name-{number}").into())
            .collect();
        names.push("x".repeat(255).into());
        names.push("y".into());
        names.sort();
        for name in &names {
            std::fs::write(own.join(name), "").unwrap();
        }
        let mut seen = Vec::new();
        let end = visit(&own, |name| {
            seen.push(name.to_owned());
            ControlFlow::<()>::Continue(())
        });
        std::fs::remove_dir_all(&own).unwrap();
        assert_eq!(end, Ok(None));
        seen.retain(|name| name != "." && name != "..");
        seen.sort();
        assert_eq!(seen, names);
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let end = visit(Path::new("/proc/self/exe"), |_| ControlFlow::Break(()));
        assert_eq!(end, Err(Errno::ENOTDIR));
    }
}
