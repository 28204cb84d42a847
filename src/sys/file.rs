//! Small files of the kernel's, read without taking memory from the heap.

use std::fmt::Arguments;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;

use crate::text::Text;

/// Bytes. The longest paths are those of cgroups.
const LONGEST_PATH: usize = 1024;

/// Reads as much of the file's beginning as the buffer takes. Where nothing is
/// mounted, something else may lie in its place: a FIFO must not make rinit wait.
pub fn read<'b>(path: Arguments, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let path = Text::<LONGEST_PATH>::new(path);
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path.as_str())
        .ok()?;
    let mut length: usize = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(more) => length = length.checked_add(more)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    buffer.get(..length)
}
