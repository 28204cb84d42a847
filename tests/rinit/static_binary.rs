//! One file is all there is to copy: the binary asks for no loader and no library.

use std::path::Path;
use std::process::Command;

use crate::common::{Directory, binary, fixture, readme, skip};

/// Program headers that only a dynamically linked program needs.
const PT_INTERP: u64 = 3;

#[test]
fn the_binary_names_no_loader() {
    for path in [binary(), fixture()] {
        assert_static(&path);
    }
}

#[test]
#[ignore = "builds everything anew"]
fn what_cargo_installs_names_no_loader() {
    let root = Directory::new("cargo-install");
    let checkout = concat!("file://", env!("CARGO_MANIFEST_DIR"));
    let command = readme::block("## Installing", "sh").replace("URL", checkout);
    let installed = Command::new("sh")
        .args(["-c", &command])
        .env("CARGO_INSTALL_ROOT", root.path())
        .env("CARGO_TARGET_DIR", root.path().join("target"))
        // It finds cargo's settings for all that is built below it.
        .current_dir("/")
        .output()
        .expect("a shell");
    if String::from_utf8_lossy(&installed.stderr).contains("git_proxy_options") {
        skip(
            "this cargo does not fit its libgit2, as Debian's cargo-web: it fetches nothing by git",
        );
        return;
    }
    assert!(installed.status.success(), "{installed:?}");
    assert_static(&root.path().join("bin/rinit"));
}

#[test]
fn a_dynamic_program_would_be_noticed() {
    let shell = std::fs::read("/bin/sh").expect("a shell");
    assert!(program_header_types(&shell).contains(&PT_INTERP));
}

fn assert_static(path: &Path) {
    let file = std::fs::read(path).expect("the binary");
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
