//! What a file is, judging by its first bytes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::elf::Elf;
use super::source::Source;

#[derive(PartialEq, Eq, Debug)]
pub enum Format {
    /// Not a regular file, or not for this user to read.
    Unreadable,
    Empty,
    /// `None`: it claims to be one, and does not hold together.
    Elf(Option<Elf>),
    /// `None`: its `#!` line names no interpreter that the kernel can read.
    Script(Option<Interpreter>),
    /// A script whose `#!` stands behind a byte order mark.
    ByteOrderMark,
    /// Text in UTF-16.
    Utf16,
    OtherSystem(System),
    Archive(Archive),
    /// For the shell, as execvp(3) has it.
    Text,
    Unknown,
}

/// What a `#!` line names (execve(2)). Where the line ends as on Windows, the
/// kernel takes the carriage return for a part of it.
#[derive(PartialEq, Eq, Debug)]
pub struct Interpreter {
    pub path: PathBuf,
    /// All the rest of the line is one argument.
    pub argument: Vec<u8>,
}

impl Interpreter {
    /// The path that was meant, where it ends in a carriage return.
    pub fn without_carriage_return(&self) -> Option<&Path> {
        let path = self.path.as_os_str().as_bytes().strip_suffix(b"\r")?;
        Some(Path::new(OsStr::from_bytes(path)))
    }
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
/// Of both byte orders.
const UTF_16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// So many bytes are enough for all but ELF, which is read on its own.
const BEGINNING: usize = 1024;
/// Where a tar archive has its magic.
const TAR_MAGIC_AT: usize = 257;
/// How far the kernel reads a `#!` line (BINPRM_BUF_SIZE less one, since Linux 5.1).
pub const LONGEST_LINE: usize = 255;

/// The beginnings of other systems' programs.
const SYSTEMS: [(&[u8], System); 5] = [
    (b"MZ", System::Windows),
    (b"\xfe\xed\xfa\xce", System::MacOs),
    (b"\xfe\xed\xfa\xcf", System::MacOs),
    (b"\xce\xfa\xed\xfe", System::MacOs),
    (b"\xcf\xfa\xed\xfe", System::MacOs),
];

const AR_MAGIC: &[u8] = b"!<arch>\n";

/// The beginnings of archives.
const ARCHIVES: [(&[u8], Archive); 7] = [
    (b"\x1f\x8b", Archive::Gzip),
    (b"BZh", Archive::Bzip2),
    (b"\xfd7zXZ\0", Archive::Xz),
    (b"\x28\xb5\x2f\xfd", Archive::Zstd),
    (b"PK\x03\x04", Archive::Zip),
    (b"PK\x05\x06", Archive::Zip),
    (AR_MAGIC, Archive::Ar),
];

/// What that file is. `None`: it cannot be read.
pub fn of(file: &Source) -> Option<Format> {
    let beginning = file.up_to(BEGINNING, 0)?;
    Some(if beginning.starts_with(b"\x7fELF") {
        Format::Elf(Elf::parse(file))
    } else {
        of_beginning(&beginning)
    })
}

/// Everything but ELF.
fn of_beginning(bytes: &[u8]) -> Format {
    if bytes.is_empty() {
        return Format::Empty;
    }
    if let Some(rest) = bytes.strip_prefix(b"#!") {
        return Format::Script(interpreter(rest));
    }
    if let Some(rest) = bytes.strip_prefix(BYTE_ORDER_MARK) {
        if rest.starts_with(b"#!") {
            return Format::ByteOrderMark;
        }
    }
    let begins_with = |magic: &[u8]| bytes.starts_with(magic);
    if UTF_16_MARKS.into_iter().any(begins_with) {
        return Format::Utf16;
    }
    // `MZ` or `BZh` may begin a text as well, and an archive of texts is one.
    if is_text(bytes) && !begins_with(AR_MAGIC) {
        return Format::Text;
    }
    if let Some((_, system)) = SYSTEMS.iter().find(|(magic, _)| begins_with(magic)) {
        return Format::OtherSystem(*system);
    }
    if is_universal(bytes) {
        return Format::OtherSystem(System::MacOs);
    }
    if let Some((_, archive)) = ARCHIVES.iter().find(|(magic, _)| begins_with(magic)) {
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
    bytes.iter().all(is_text)
}

/// A program for macOS with several architectures in one file. A class of Java
/// begins likewise, with its version, from 45 on, in place of their number.
fn is_universal(bytes: &[u8]) -> bool {
    matches!(
        bytes.strip_prefix(b"\xca\xfe\xba\xbe"),
        Some([0, 0, 0, 1..45, ..])
    )
}

/// What stands behind `#!`, as the kernel reads it (fs/binfmt_script.c).
fn interpreter(bytes: &[u8]) -> Option<Interpreter> {
    let is_space = |byte: &u8| b" \t".contains(byte);
    let is_end = |byte: &u8| b"\n\0".contains(byte);
    let behind_mark = LONGEST_LINE.saturating_sub(2);
    let line = bytes.get(..behind_mark).unwrap_or(bytes);
    let line_end = line.iter().position(is_end);
    let line = trim(line.get(..line_end.unwrap_or(line.len()))?, is_space);
    let path_end = line.iter().position(is_space);
    let (path, argument) = line.split_at_checked(path_end.unwrap_or(line.len()))?;
    // Of a path that goes on where the kernel's view ends, it will have nothing.
    let is_cut_off = line_end.is_none() && path_end.is_none() && bytes.len() > behind_mark;
    if path.is_empty() || is_cut_off {
        return None;
    }
    Some(Interpreter {
        path: PathBuf::from(OsStr::from_bytes(path)),
        argument: trim(argument, is_space).to_vec(),
    })
}

fn trim(bytes: &[u8], is_space: impl Fn(&u8) -> bool) -> &[u8] {
    let is_kept = |byte: &u8| !is_space(byte);
    let start = bytes.iter().position(is_kept).unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(is_kept)
        .map_or(start, |last| last.saturating_add(1));
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(bytes: &[u8]) -> Format {
        Source::with(bytes, of).unwrap()
    }

    fn script(path: &str, argument: &str) -> Format {
        Format::Script(Some(Interpreter {
            path: path.into(),
            argument: argument.into(),
        }))
    }

    #[test]
    fn a_hash_bang_line_names_a_path_and_one_argument() {
        for (line, path, argument) in [
            ("#!/bin/sh\n", "/bin/sh", ""),
            ("#! /bin/sh -e -x \nrest", "/bin/sh", "-e -x"),
            ("#!/bin/sh\r\n", "/bin/sh\r", ""),
            ("#!/bin/sh -e\r\n", "/bin/sh", "-e\r"),
            ("#!/usr/bin/env\tnode", "/usr/bin/env", "node"),
            ("#!/bin/sh\0-x\n", "/bin/sh", ""),
        ] {
            assert_eq!(format(line.as_bytes()), script(path, argument), "{line:?}");
        }
    }

    #[test]
    fn a_hash_bang_line_that_names_nothing_is_no_text_for_the_shell() {
        let too_long = format!("#!/{}\n", "x".repeat(LONGEST_LINE));
        for line in ["#!", "#!\n", "#! \t\necho\n", &too_long] {
            assert_eq!(format(line.as_bytes()), Format::Script(None), "{line:?}");
        }
        assert_eq!(format(b"# /bin/sh"), Format::Text);
    }

    #[test]
    fn the_kernel_reads_so_much_of_a_hash_bang_line_and_no_more() {
        let longest = format!("/{}", "x".repeat(LONGEST_LINE - 4));
        assert_eq!(
            format(format!("#!{longest}\n").as_bytes()),
            script(&longest, "")
        );
        let argument = "y".repeat(LONGEST_LINE - "#!/bin/sh ".len());
        assert_eq!(
            format(format!("#!/bin/sh {argument}yyy\n").as_bytes()),
            script("/bin/sh", &argument)
        );
    }

    #[test]
    fn files_are_told_by_their_beginnings() {
        let mut tar = vec![0; 600];
        tar[TAR_MAGIC_AT..TAR_MAGIC_AT + 5].copy_from_slice(b"ustar");
        let cases: [(&[u8], Format); 15] = [
            (b"", Format::Empty),
            (b"\x7fELF", Format::Elf(None)),
            (b"\xef\xbb\xbf#!/bin/sh", Format::ByteOrderMark),
            (b"\xff\xfe#\0!\0", Format::Utf16),
            (b"MZ\x90\0\x03", Format::OtherSystem(System::Windows)),
            (b"MZ=1\necho $MZ\n", Format::Text),
            (b"\xcf\xfa\xed\xfe\x07", Format::OtherSystem(System::MacOs)),
            (
                b"\xca\xfe\xba\xbe\0\0\0\x02",
                Format::OtherSystem(System::MacOs),
            ),
            (b"\xca\xfe\xba\xbe\0\0\0\x41", Format::Unknown),
            (b"PK\x03\x04\x14", Format::Archive(Archive::Zip)),
            (b"\x1f\x8b\x08", Format::Archive(Archive::Gzip)),
            (b"!<arch>\ntext", Format::Archive(Archive::Ar)),
            (&tar, Format::Archive(Archive::Tar)),
            (b"echo hello\n", Format::Text),
            (b"hello\0world", Format::Unknown),
        ];
        for (bytes, expected) in cases {
            assert_eq!(format(bytes), expected, "{bytes:?}");
        }
    }
}
