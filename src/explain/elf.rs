//! What an ELF file says of itself (elf(5)).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use elf::abi;
use elf::endian::{AnyEndian, EndianParse};
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::SegmentTable;

use super::Arch;

#[derive(PartialEq, Eq, Debug)]
pub struct Elf {
    pub arch: Arch,
    /// What PT_INTERP names: the program that loads this one.
    pub loader: Option<PathBuf>,
    /// An object file or a core dump, and no program.
    pub is_unlinked: bool,
}

/// The C library that a program is built for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Libc {
    Glibc,
    Musl,
}

impl Elf {
    /// Reads the beginning of a file. `None`: it does not hold together.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let ident_bytes = bytes.get(..abi::EI_NIDENT)?;
        let ident = parse_ident::<AnyEndian>(ident_bytes).ok()?;
        let (endian, class) = (ident.0, ident.1);
        let tail = bytes.get(abi::EI_NIDENT..)?.get(..tail_size(class))?;
        let header = FileHeader::parse_tail(ident, tail).ok()?;
        let start = usize::try_from(header.e_phoff).ok()?;
        let size = usize::from(header.e_phentsize).checked_mul(header.e_phnum.into())?;
        let segments = bytes.get(start..start.checked_add(size)?)?;
        let loader = SegmentTable::new(endian, class, segments)
            .iter()
            .find(|segment| segment.p_type == abi::PT_INTERP)
            .and_then(|segment| {
                let start = usize::try_from(segment.p_offset).ok()?;
                let size = usize::try_from(segment.p_filesz).ok()?;
                let name = bytes.get(start..start.checked_add(size)?)?;
                let name = name.split(|byte| *byte == 0).next()?;
                Some(PathBuf::from(OsStr::from_bytes(name)))
            });
        Some(Self {
            arch: Arch::of_elf(header.e_machine, class, endian.is_little()),
            loader,
            is_unlinked: header.e_type != abi::ET_EXEC && header.e_type != abi::ET_DYN,
        })
    }
}

/// Bytes of the file header behind its first sixteen.
fn tail_size(class: Class) -> usize {
    match class {
        Class::ELF32 => 36,
        Class::ELF64 => 48,
    }
}

impl Libc {
    /// Both name their loaders in their own way, on every architecture.
    pub fn of_loader(loader: &Path) -> Option<Self> {
        let name = loader.file_name()?.as_bytes();
        if name.starts_with(b"ld-musl-") {
            Some(Self::Musl)
        } else if name.starts_with(b"ld-linux")
            || name.starts_with(b"ld64.so")
            || name == b"ld.so.1"
        {
            Some(Self::Glibc)
        } else {
            None
        }
    }

    /// The one whose loader lies in the image.
    pub fn of_image() -> Option<Self> {
        ["/lib", "/lib64"]
            .into_iter()
            .filter_map(|directory| std::fs::read_dir(directory).ok())
            .flat_map(|directory| directory.flatten().take(MOST_ENTRIES))
            .find_map(|entry| Self::of_loader(&entry.path()).filter(|_| entry.path().exists()))
    }
}

/// No directory is searched for longer.
const MOST_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_program_is_of_this_machine() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let elf = Elf::parse(&bytes).unwrap();
        assert_eq!(Some(elf.arch), Arch::of_machine());
        assert!(!elf.is_unlinked);
    }

    #[test]
    fn a_truncated_or_damaged_file_gives_nothing_or_something_but_no_panic() {
        let whole = std::fs::read("/proc/self/exe").unwrap();
        for length in 0..200 {
            let mut bytes = whole[..length].to_vec();
            let _ = Elf::parse(&bytes);
            for place in 0..length {
                bytes[place] ^= 0xff;
                let _ = Elf::parse(&bytes);
                bytes[place] ^= 0xff;
            }
        }
        assert!(Elf::parse(&whole[..40]).is_none());
    }

    #[test]
    fn loaders_tell_the_library() {
        for (loader, libc) in [
            ("/lib64/ld-linux-x86-64.so.2", Some(Libc::Glibc)),
            ("/lib/ld-linux-aarch64.so.1", Some(Libc::Glibc)),
            ("/lib/ld64.so.2", Some(Libc::Glibc)),
            ("/lib/ld-musl-x86_64.so.1", Some(Libc::Musl)),
            ("/system/bin/linker64", None),
        ] {
            assert_eq!(Libc::of_loader(Path::new(loader)), libc, "{loader}");
        }
    }
}
