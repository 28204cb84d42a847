//! What a file is, told by its first bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::elf::Elf;

#[derive(PartialEq, Eq, Debug)]
pub enum Format {
    Empty,
    /// `None`: it says that it is one, and does not hold together.
    Elf(Option<Elf>),
    Script(Interpreter),
    /// A script whose `#!` stands behind a byte order mark.
    ByteOrderMark,
    OtherSystem(System),
    Archive(Archive),
    /// For the shell, as execvp(3) has it.
    Text,
    Unknown,
}

/// What a `#!` line names (execve(2)).
#[derive(PartialEq, Eq, Debug)]
pub struct Interpreter {
    pub path: PathBuf,
    /// All the rest of the line is one argument.
    pub argument: Vec<u8>,
    /// The line ends as on Windows; the kernel takes that for a part of it.
    pub carriage_return: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum System {
    Windows,
    MacOs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Archive {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Tar,
    Zip,
    Ar,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where a tar archive has its magic.
const TAR_MAGIC_AT: usize = 257;
/// How far the kernel reads a `#!` line (BINPRM_BUF_SIZE, since Linux 5.1).
const LONGEST_LINE: usize = 256;
/// How far to look for what no text holds.
const TEXT_PROBE: usize = 1024;

/// The beginnings of other systems' programs.
const SYSTEMS: [(&[u8], System); 6] = [
    (b"MZ", System::Windows),
    (b"\xfe\xed\xfa\xce", System::MacOs),
    (b"\xfe\xed\xfa\xcf", System::MacOs),
    (b"\xce\xfa\xed\xfe", System::MacOs),
    (b"\xcf\xfa\xed\xfe", System::MacOs),
    // With several architectures in one file, whose number is below 256.
    (b"\xca\xfe\xba\xbe\0\0\0", System::MacOs),
];

/// The beginnings of archives.
const ARCHIVES: [(&[u8], Archive); 7] = [
    (b"\x1f\x8b", Archive::Gzip),
    (b"BZh", Archive::Bzip2),
    (b"\xfd7zXZ\0", Archive::Xz),
    (b"\x28\xb5\x2f\xfd", Archive::Zstd),
    (b"PK\x03\x04", Archive::Zip),
    (b"PK\x05\x06", Archive::Zip),
    (b"!<arch>\n", Archive::Ar),
];

/// What begins with these bytes.
pub fn of(bytes: &[u8]) -> Format {
    if bytes.is_empty() {
        return Format::Empty;
    }
    if bytes.starts_with(b"\x7fELF") {
        return Format::Elf(Elf::parse(bytes));
    }
    if let Some(interpreter) = interpreter(bytes) {
        return Format::Script(interpreter);
    }
    if bytes
        .strip_prefix(BYTE_ORDER_MARK)
        .is_some_and(|rest| rest.starts_with(b"#!"))
    {
        return Format::ByteOrderMark;
    }
    // `MZ` or `BZh` may begin a text as well.
    if is_text(bytes) {
        return Format::Text;
    }
    if let Some((_, system)) = SYSTEMS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Format::OtherSystem(*system);
    }
    if let Some((_, archive)) = ARCHIVES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Format::Archive(*archive);
    }
    if bytes
        .get(TAR_MAGIC_AT..)
        .is_some_and(|rest| rest.starts_with(b"ustar"))
    {
        return Format::Archive(Archive::Tar);
    }
    Format::Unknown
}

/// No text holds control characters other than these.
fn is_text(bytes: &[u8]) -> bool {
    let is_text = |byte: &u8| *byte >= b' ' || b"\t\n\r\x0c\x1b".contains(byte);
    bytes.iter().take(TEXT_PROBE).all(is_text)
}

/// The interpreter of a `#!` line, as the kernel reads it (fs/binfmt_script.c).
pub fn interpreter(bytes: &[u8]) -> Option<Interpreter> {
    let line = bytes.strip_prefix(b"#!")?;
    let line = line.get(..LONGEST_LINE).unwrap_or(line);
    let line = line.split(|byte| *byte == b'\n' || *byte == 0).next()?;
    let (line, carriage_return) = match line.strip_suffix(b"\r") {
        Some(line) => (line, true),
        None => (line, false),
    };
    let line = line.trim_ascii();
    let is_space = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let end = line.iter().position(is_space).unwrap_or(line.len());
    let (path, argument) = line.split_at_checked(end)?;
    if path.is_empty() {
        return None;
    }
    Some(Interpreter {
        path: PathBuf::from(OsStr::from_bytes(path)),
        argument: argument.trim_ascii().to_vec(),
        carriage_return,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shebang(line: &str) -> Option<(String, String, bool)> {
        interpreter(line.as_bytes()).map(|interpreter| {
            (
                interpreter.path.to_str().unwrap().to_owned(),
                String::from_utf8(interpreter.argument).unwrap(),
                interpreter.carriage_return,
            )
        })
    }

    #[test]
    fn a_hash_bang_line_names_a_path_and_one_argument() {
        for (line, path, argument, carriage_return) in [
            ("#!/bin/sh\n", "/bin/sh", "", false),
            ("#! /bin/sh -e -x \nrest", "/bin/sh", "-e -x", false),
            ("#!/bin/sh\r\n", "/bin/sh", "", true),
            ("#!/usr/bin/env\tnode", "/usr/bin/env", "node", false),
            ("#!/usr/bin/env node\r\n", "/usr/bin/env", "node", true),
        ] {
            let expected = (path.to_owned(), argument.to_owned(), carriage_return);
            assert_eq!(shebang(line), Some(expected), "{line:?}");
        }
        assert_eq!(shebang("#!\n"), None);
        assert_eq!(shebang("# /bin/sh"), None);
    }

    #[test]
    fn files_are_told_by_their_beginnings() {
        let mut tar = vec![0; 600];
        tar[TAR_MAGIC_AT..TAR_MAGIC_AT + 5].copy_from_slice(b"ustar");
        let cases: [(&[u8], Format); 11] = [
            (b"", Format::Empty),
            (b"\x7fELF", Format::Elf(None)),
            (b"\xef\xbb\xbf#!/bin/sh", Format::ByteOrderMark),
            (b"MZ\x90\0\x03", Format::OtherSystem(System::Windows)),
            (b"MZ=1\necho $MZ\n", Format::Text),
            (b"\xcf\xfa\xed\xfe\x07", Format::OtherSystem(System::MacOs)),
            (b"PK\x03\x04\x14", Format::Archive(Archive::Zip)),
            (b"\x1f\x8b\x08", Format::Archive(Archive::Gzip)),
            (&tar, Format::Archive(Archive::Tar)),
            (b"echo hello\n", Format::Text),
            (b"hello\0world", Format::Unknown),
        ];
        for (bytes, format) in cases {
            assert_eq!(of(bytes), format, "{bytes:?}");
        }
    }
}
