//! Files that are no program, or another system's.

use std::process::Command;

use super::{expect, is_no_program, run, with_file};

#[test]
fn a_binary_never_runs_under_the_shell() {
    for content in [
        &b"echo hello\n\0"[..],
        b"\x01echo hello\n",
        b"\0asm\x01\0\0\0",
    ] {
        is_no_program(
            "binary",
            content,
            "neither a program nor a script",
            "a script begins with #! and the path of the program that reads it",
        );
    }
}

#[test]
fn an_empty_file() {
    let cure = "see whether building, downloading or copying it failed";
    is_no_program("empty", b"", "empty", cure);
}

#[test]
fn a_byte_order_mark() {
    with_file("mark", "\u{feff}#!/bin/sh\n", |directory| {
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": a byte order mark hides its first line, which begins with #!",
                r"remove the mark: sed -i '1s/^\xEF\xBB\xBF//' ./app",
            ],
        );
        // The cure cures.
        let cured = Command::new("sed")
            .args(["-i", r"1s/^\xEF\xBB\xBF//", "app"])
            .current_dir(directory.path())
            .status();
        assert!(cured.is_ok_and(|status| status.success()));
        assert_eq!(run(directory, "./app").run().status, 0);
    });
    is_no_program(
        "utf-16",
        b"\xff\xfe#\0!\0/\0b\0i\0n\0/\0s\0h\0\r\0\n\0",
        "text in UTF-16, as Windows writes it",
        "save it as UTF-8, without a byte order mark and with Unix line endings",
    );
}

#[test]
fn a_program_of_another_system() {
    let cure = "build it for Linux (with Go: GOOS=linux)";
    let windows = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0\x40\0\0\0";
    is_no_program("windows", windows, "a program for Windows", cure);
    for (name, content) in [
        ("macos", b"\xcf\xfa\xed\xfe\x0c\0\0\x01\0\0\0\0\x02\0\0\0"),
        (
            "macos-universal",
            b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07\0\0\0\x03",
        ),
    ] {
        is_no_program(name, content, "a program for macOS", cure);
    }
}

#[test]
fn an_archive() {
    let cure = "unpack it in the image, and run what is in it";
    let tar = Command::new("tar")
        .args(["--create", "--directory=/etc", "hostname"])
        .output()
        .expect("tar");
    // Each holds a file with "hi" in it, packed by the program of its name.
    for (name, content, what) in [
        ("tar", &tar.stdout[..], "a tar archive"),
        (
            "gzip",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\xc8\x04\0\xac*\x93\xd8\x02\0\0\0",
            "a gzip archive",
        ),
        (
            "xz",
            b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4F\x02\0!\x01\x16\0\0\0t/\xe5\xa3\x01\0\x01hi\0\0",
            "an xz archive",
        ),
        (
            "zstd",
            b"(\xb5/\xfd$\x02\x11\0\0hi\xfa8&\xea",
            "a zstd archive",
        ),
        (
            "bzip2",
            b"BZh91AY&SY\x9a\x89\xb4\"\0\0\0\x01\0\0` \0!\0\x82\xb1w$S\x85\t\t\xa8\x9bB ",
            "a bzip2 archive",
        ),
        (
            "ar",
            b"!<arch>\nf/              0           0     0     644     2         `\nhi",
            "an ar archive",
        ),
    ] {
        is_no_program(name, content, &format!("{what}, not a program"), cure);
    }
    is_no_program(
        "zip",
        b"PK\x03\x04\x0a\0\0\0\0\0C\x9eu]\xac*\x93\xd8\x02\0\0\0\x02\0\0\0\x01\0\0\0fhi",
        "a zip archive, not a program",
        "unpack it in the image; a .jar is run by: java -jar FILE",
    );
}
