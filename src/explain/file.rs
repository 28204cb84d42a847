//! Files and directories that may be anything.

use std::ffi::OsStr;
use std::fs::File;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::format::{self, Format};
use super::source::Source;
use crate::sys::directory;
use crate::sys::file::open;

/// No directory is searched for longer.
const MOST_ENTRIES: usize = 10_000;

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
