//! Programs, and files that cannot be run, as they come about in reality.

use std::fs;
use std::ops::Range;

/// A program of this machine that needs a loader.
pub fn dynamic() -> Vec<u8> {
    fs::read("/bin/true").expect("a program")
}

/// The same, made to ask for another loader, whose name is not longer.
pub fn with_loader(loader: &str) -> Vec<u8> {
    let mut program = dynamic();
    let place = place_of_loader(&program);
    assert!(loader.len() <= place.len(), "{loader} fits");
    program[place.clone()].fill(0);
    program[place.start..][..loader.len()].copy_from_slice(loader.as_bytes());
    program
}

/// The loader that it asks for.
pub fn loader(program: &[u8]) -> String {
    String::from_utf8_lossy(&program[place_of_loader(program)]).into_owned()
}

/// Where its name is.
pub fn place_of_loader(program: &[u8]) -> Range<usize> {
    let start = place_of(program, b"/lib");
    start..start + place_of(&program[start..], b"\0")
}

fn place_of(bytes: &[u8], part: &[u8]) -> usize {
    bytes
        .windows(part.len())
        .position(|window| window == part)
        .expect("a loader's name")
}

/// The number of a machine in an ELF header, and how wide and which way round its words are.
#[derive(Clone, Copy)]
pub struct Machine {
    pub number: u16,
    pub bits: u32,
    pub is_little_endian: bool,
}

/// The header of a program for that machine, with one segment that holds `code` behind it.
pub fn elf(machine: Machine, code: &[u8]) -> Vec<u8> {
    let Machine {
        number,
        bits,
        is_little_endian,
    } = machine;
    let wide = bits == 64;
    let (header, segment) = if wide { (64, 56) } else { (52, 32) };
    let start: u64 = 0x0001_0000;
    let code_at = header + segment;
    let size = code_at + code.len() as u64;

    let mut bytes = vec![0x7f, b'E', b'L', b'F'];
    bytes.extend([
        if wide { 2 } else { 1 },
        if is_little_endian { 1 } else { 2 },
        1,
    ]);
    bytes.resize(16, 0);
    let mut put = |value: u64, width: usize| {
        if is_little_endian {
            bytes.extend(&value.to_le_bytes()[..width]);
        } else {
            bytes.extend(&value.to_be_bytes()[8 - width..]);
        }
    };
    let word = if wide { 8 } else { 4 };
    // An executable: machine, version, entry, program headers, sections, flags, sizes.
    for (value, width) in [
        (2, 2),
        (number.into(), 2),
        (1, 4),
        (start + code_at, word),
        (header, word),
        (0, word),
        (0, 4),
        (header, 2),
        (segment, 2),
        (1, 2),
        (0, 2),
        (0, 2),
        (0, 2),
    ] {
        put(value, width);
    }
    // To be loaded, readable and executable; its flags stand elsewhere where words are wide.
    let flags = (5, 4);
    let (early, late) = if wide {
        (Some(flags), None)
    } else {
        (None, Some(flags))
    };
    let fields = [Some((1, 4)), early]
        .into_iter()
        .chain([0, start, start, size, size].map(|value| Some((value, word))))
        .chain([late, Some((0x1000, word))]);
    for (value, width) in fields.flatten() {
        put(value, width);
    }
    bytes.extend(code);
    bytes
}

/// A program of Debian's for another machine: the loader in a package for cross compilers, such as libc6-arm64-cross.
pub fn foreign(directory: &str) -> Option<Vec<u8>> {
    let files = fs::read_dir(format!("/usr/{directory}/lib")).ok()?;
    let loader = files.flatten().find(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.starts_with("ld") && name.contains(".so.")
    })?;
    fs::read(loader.path()).ok()
}
