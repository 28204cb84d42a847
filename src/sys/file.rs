//! Small files of the kernel's, read without taking memory from the heap.

use std::fmt::Arguments;
use std::fs::File;
use std::io::{ErrorKind, Read};

use crate::text::Text;

/// Bytes. The longest paths are those of cgroups.
const LONGEST_PATH: usize = 1024;

/// Reads as much of the file's beginning as the buffer takes.
pub fn read<'b>(path: Arguments, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let path = Text::<LONGEST_PATH>::new(path);
    let mut file = File::open(path.as_str()).ok()?;
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
