//! The beginning of a file that may be anything.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::format::{self, Format};

/// Bytes. Program headers and the name of the loader are in an ELF file's
/// first page or two.
const READ_AT_MOST: u64 = 16 * 1024;

pub struct Contents(Vec<u8>);

impl Contents {
    /// What cannot be read counts as of no known format.
    pub fn read(path: &Path) -> Self {
        Self(beginning(path).unwrap_or_else(|_| b"\0".to_vec()))
    }

    pub fn format(&self) -> Format {
        format::of(&self.0)
    }
}

/// A FIFO or a device must not make rinit wait, nor a terminal become its own.
fn beginning(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    file.take(READ_AT_MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
