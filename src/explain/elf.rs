//! What an ELF file says of itself (elf(5)).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use elf::abi;
use elf::endian::{AnyEndian, EndianParse};
use elf::file::{Class, FileHeader, parse_ident};
use elf::segment::{ProgramHeader, SegmentTable};

use super::arch::Arch;
use super::source::Source;

/// Bytes, as in the kernel: of all program headers, and of the loader's name.
const MOST_SEGMENTS: usize = 64 * 1024;
const LONGEST_LOADER: usize = 4096;

#[derive(PartialEq, Eq, Debug)]
pub struct Elf {
    pub arch: Arch,
    /// An object file or a core dump, and no program.
    pub is_unlinked: bool,
    /// What PT_INTERP names: the program that loads this one.
    pub loader: Option<PathBuf>,
    /// Bytes that it holds, and those that it must hold by its own account.
    pub size: Size,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    pub is: u64,
    pub needed: u64,
}

impl Size {
    pub fn is_cut_off(self) -> bool {
        self.is < self.needed
    }
}

impl Elf {
    /// `None`: the file does not hold together from its beginning on.
    pub fn parse(file: &Source) -> Option<Self> {
        let ident: [u8; abi::EI_NIDENT] = file.exactly(abi::EI_NIDENT, 0)?.try_into().ok()?;
        let ident = parse_ident::<AnyEndian>(&ident).ok()?;
        let (endian, class) = (ident.0, ident.1);
        let tail = file.exactly(tail_size(class), abi::EI_NIDENT as u64)?;
        let header = FileHeader::parse_tail(ident, &tail).ok()?;
        let (loader, needed) = segments(file, &header);
        Some(Self {
            arch: Arch::of_elf(header.e_machine, class, endian.is_little()),
            is_unlinked: header.e_type != abi::ET_EXEC && header.e_type != abi::ET_DYN,
            loader,
            size: Size {
                is: file.size,
                needed,
            },
        })
    }
}

/// The loader, and how many bytes the file must hold for what the kernel takes from it.
fn segments(file: &Source, header: &FileHeader<AnyEndian>) -> (Option<PathBuf>, u64) {
    let size = usize::from(header.e_phentsize).saturating_mul(header.e_phnum.into());
    let end = header.e_phoff.saturating_add(size as u64);
    if size > MOST_SEGMENTS {
        return (None, 0);
    }
    let Some(table) = file.exactly(size, header.e_phoff) else {
        return (None, end);
    };
    let table = SegmentTable::new(header.endianness, header.class, &table);
    let end = |segment: ProgramHeader| segment.p_offset.saturating_add(segment.p_filesz);
    let needed = table
        .iter()
        .filter(|segment| [abi::PT_LOAD, abi::PT_INTERP].contains(&segment.p_type))
        .map(end)
        .max();
    let loader = table
        .iter()
        .find(|segment| segment.p_type == abi::PT_INTERP)
        .and_then(|segment| {
            let size = usize::try_from(segment.p_filesz).ok()?;
            let name = file.exactly(size.min(LONGEST_LOADER), segment.p_offset)?;
            let name = name.split(|byte| *byte == 0).next()?;
            Some(PathBuf::from(OsStr::from_bytes(name)))
        });
    (loader, needed.unwrap_or(0))
}

/// Bytes of the file header behind its first sixteen.
fn tail_size(class: Class) -> usize {
    match class {
        Class::ELF32 => 36,
        Class::ELF64 => 48,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<u8> {
        std::fs::read("/proc/self/exe").unwrap()
    }

    fn parse(bytes: &[u8]) -> Option<Elf> {
        Source::with(bytes, Elf::parse)
    }

    #[test]
    fn the_running_program_is_whole_and_of_this_machine() {
        let elf = parse(&own()).unwrap();
        assert_eq!(elf.arch, Arch::of_machine());
        assert!(!elf.is_unlinked);
        assert!(!elf.size.is_cut_off());
    }

    #[test]
    fn a_program_without_its_end_is_cut_off() {
        let whole = own();
        let needed = parse(&whole).unwrap().size.needed;
        for length in [64, 100, 1000, usize::try_from(needed).unwrap() - 1] {
            let elf = parse(&whole[..length]).unwrap();
            assert_eq!(elf.size.is, length as u64);
            assert!(elf.size.is_cut_off(), "{length} bytes");
            assert_eq!(elf.arch, Arch::of_machine(), "its header is there");
        }
        assert!(parse(&whole[..63]).is_none());
    }
}
