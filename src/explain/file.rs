//! Files that may be anything.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Result};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::format::{self, Format};

/// What a file is.
pub fn format(path: &Path) -> Format {
    open(path)
        .and_then(|mut file| format::of(&mut file))
        .unwrap_or(Format::Unreadable)
}

/// A FIFO or a device must not make rinit wait, nor a terminal become its own.
fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(ErrorKind::InvalidInput.into())
    }
}
