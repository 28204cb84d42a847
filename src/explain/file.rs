//! Files and directories that may be anything.

use std::ffi::OsStr;
use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::format::{self, Format};
use crate::sys::directory;
use crate::sys::file::open;

/// No directory is searched for longer.
const MOST_ENTRIES: usize = 10_000;

/// The bytes of a file.
pub struct Source<'a> {
    pub size: u64,
    /// Fills the buffer from there on, as far as the file goes, and tells how far.
    pub read: &'a dyn Fn(u64, &mut [u8]) -> Option<usize>,
}

impl Source<'_> {
    /// So many bytes from there, or fewer at the end of the file.
    pub fn up_to(&self, size: usize, start: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; size];
        let read = (self.read)(start, &mut bytes)?;
        bytes.truncate(read);
        Some(bytes)
    }

    /// Exactly so many bytes from there.
    pub fn exactly(&self, size: usize, start: u64) -> Option<Vec<u8>> {
        self.up_to(size, start).filter(|bytes| bytes.len() == size)
    }
}

/// What a file is.
pub fn format(path: &Path) -> Format {
    try_format(path).unwrap_or(Format::Unreadable)
}

fn try_format(path: &Path) -> Option<Format> {
    let file = File::from(open(path).ok()?);
    let metadata = file.metadata().ok()?;
    // Reading a FIFO or a device could wait.
    if !metadata.is_file() {
        return None;
    }
    format::of(&Source {
        size: metadata.len(),
        read: &|start, buffer| file.read_at(buffer, start).ok(),
    })
}

/// The first file of that directory whose name is wanted.
pub fn find(directory: &Path, is_wanted: impl Fn(&OsStr) -> bool) -> Option<PathBuf> {
    let mut entries = 0..MOST_ENTRIES;
    // By no name, the working directory is meant.
    let found = directory::visit(&Path::new(".").join(directory), |name| {
        if is_wanted(name) {
            ControlFlow::Break(Some(directory.join(name)))
        } else if entries.next().is_none() {
            ControlFlow::Break(None)
        } else {
            ControlFlow::Continue(())
        }
    });
    found.ok()??
}

#[cfg(test)]
impl Source<'_> {
    /// Looks at bytes as if they were a file's.
    pub fn with<T>(bytes: &[u8], look: impl FnOnce(&Source) -> T) -> T {
        let read = |start: u64, buffer: &mut [u8]| {
            let rest = bytes.get(start.try_into().ok()?..).unwrap_or_default();
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            Some(length)
        };
        look(&Source {
            size: bytes.len() as u64,
            read: &read,
        })
    }
}
