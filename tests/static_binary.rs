//! One file is all there is to copy: the binary asks for no loader and no library.

mod common;

use common::{binary, fixture};

/// Program headers that only a dynamically linked program needs.
const PT_INTERP: u64 = 3;

#[test]
fn the_binary_names_no_loader() {
    for path in [binary(), fixture()] {
        let file = std::fs::read(&path).expect("the binary");
        let types = program_header_types(&file);
        assert!(
            types.contains(&1),
            "{}: something to load was found: {types:?}",
            path.display()
        );
        assert!(
            !types.contains(&PT_INTERP),
            "{} is linked dynamically",
            path.display()
        );
    }
}

#[test]
fn a_dynamic_program_would_be_noticed() {
    let shell = std::fs::read("/bin/sh").expect("a shell");
    assert!(program_header_types(&shell).contains(&PT_INTERP));
}

/// See elf(5).
fn program_header_types(file: &[u8]) -> Vec<u64> {
    assert_eq!(&file[..4], b"\x7fELF");
    let wide = file[4] == 2;
    let little = file[5] == 1;
    let number = |offset: usize, size: usize| {
        let bytes = &file[offset..offset + size];
        let append = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        if little {
            bytes.iter().rev().fold(0, append)
        } else {
            bytes.iter().fold(0, append)
        }
    };
    // e_phoff, e_phentsize, e_phnum
    let (offset, size, count) = if wide {
        (number(32, 8), number(54, 2), number(56, 2))
    } else {
        (number(28, 4), number(42, 2), number(44, 2))
    };
    let position = |index: u64| usize::try_from(offset + index * size).expect("a position");
    (0..count).map(|index| number(position(index), 4)).collect()
}
