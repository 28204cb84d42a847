//! Programs of another machine, damaged ones, and loaders that are missing.

use std::fs;
use std::process::Command;

use super::{
    PROGRAM_HEADER_SIZE, expect, in_image, is_no_program, machine, run, set_mode, with_file,
};
use crate::common::elf_samples::{self, Machine};
use crate::common::role::namespaces_allowed;
use crate::common::{Directory, binary, skip};

/// What Docker calls a machine, and the kernel.
const MACHINES: [(&str, Machine); 9] = {
    const fn little(number: u16, bits: u32) -> Machine {
        Machine {
            number,
            bits,
            is_little_endian: true,
        }
    }
    [
        ("amd64 (x86_64)", little(62, 64)),
        ("arm64 (aarch64)", little(183, 64)),
        ("arm", little(40, 32)),
        ("ppc64le", little(21, 64)),
        ("riscv64", little(243, 64)),
        ("loong64 (loongarch64)", little(258, 64)),
        ("mips64le (mips64el)", little(8, 64)),
        (
            "s390x",
            Machine {
                number: 22,
                bits: 64,
                is_little_endian: false,
            },
        ),
        // Of no machine that Docker knows: SPARC.
        (
            "another architecture",
            Machine {
                number: 43,
                bits: 64,
                is_little_endian: false,
            },
        ),
    ]
};

#[test]
fn a_program_for_another_machine() {
    let (docker, machine) = machine();
    for (name, other) in MACHINES {
        // A machine may run programs of its narrower sister as well.
        if name == machine || (name, docker) == ("arm", "arm64") {
            continue;
        }
        is_no_program(
            "foreign",
            &elf_samples::elf(other, &[]),
            &format!("built for {name}, and this machine is {machine}"),
            &format!("build or pull the image for this machine: --platform linux/{docker}"),
        );
    }
}

/// The kernel says ENOENT then, as if the program itself were not there.
#[test]
fn a_program_for_another_machine_whose_emulator_is_not_there() {
    if !namespaces_allowed() {
        return;
    }
    let (docker, machine) = machine();
    let other = MACHINES
        .into_iter()
        .find(|(name, _)| *name != machine && name.contains("64"))
        .expect("another machine");
    let directory = Directory::new("emulator");
    directory.executable("app", elf_samples::elf(other.1, &[]));
    // Since Linux 6.7, each user namespace may have emulators of its own.
    let script = r#"mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99
                    echo ':foreign:M:18:\x'$1'\x00::/nowhere/emulator:' >/proc/sys/fs/binfmt_misc/register
                    exec $0 -- ./app"#;
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(binary())
        .arg(format!("{:02x}", other.1.number))
        .current_dir(directory.path())
        .output()
        .expect("unshare");
    if ended.status.code() == Some(99) {
        return skip("no emulators of a user namespace's own: Linux 6.7");
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let first = format!(
        "rinit: cannot run \"./app\": it is built for {}, and this machine is {machine}\n",
        other.0
    );
    let cure = format!("build or pull the image for this machine: --platform linux/{docker}\n");
    assert_eq!(
        (said, ended.status.code()),
        (format!("{first}       {cure}"), Some(126))
    );
}

#[test]
fn a_program_of_debians_for_another_machine() {
    let (docker, machine) = machine();
    for (directory, package, name) in [
        ("aarch64-linux-gnu", "arm64", "arm64 (aarch64)"),
        ("arm-linux-gnueabihf", "armhf", "arm"),
        ("powerpc64le-linux-gnu", "ppc64el", "ppc64le"),
        ("s390x-linux-gnu", "s390x", "s390x"),
    ] {
        if package == docker {
            continue;
        }
        let Some(program) = elf_samples::foreign(directory) else {
            skip(&format!("libc6-{package}-cross is not installed"));
            continue;
        };
        let what = format!("built for {name}, and this machine is {machine}");
        let cure = format!("build or pull the image for this machine: --platform linux/{docker}");
        with_file("foreign-program", program, |directory| {
            directory.executable("script", "#!./app\n");
            directory.executable("dynamic", elf_samples::with_loader("./app"));
            for (command, needs) in [
                ("./app", ""),
                ("./script", ", which \"./script\" needs"),
                ("./dynamic", ", which \"./dynamic\" needs"),
            ] {
                expect(
                    run(directory, command),
                    126,
                    &[&format!("cannot run \"./app\"{needs}: it is {what}"), &cure],
                );
            }
        });
    }
}

#[test]
fn a_32_bit_program_runs_or_is_explained() {
    if machine().0 != "amd64" {
        skip("this is about Intel's machines");
        return;
    }
    // exit(42)
    let code = b"\xb8\x01\0\0\0\xbb\x2a\0\0\0\xcd\x80";
    let i386 = Machine {
        number: 3,
        bits: 32,
        is_little_endian: true,
    };
    let cure = "build or pull the image for this machine: --platform linux/amd64";
    let foreign =
        "cannot run \"./app\": it is built for 386 (i386), and this machine is amd64 (x86_64)";
    with_file(
        "i386",
        elf_samples::elf(i386, code),
        |directory| match Command::new(directory.path().join("app")).status() {
            Ok(status) => {
                assert_eq!(status.code(), Some(42));
                assert_eq!(run(directory, "./app").run().status, 42);
            }
            Err(_) => expect(run(directory, "./app"), 126, &[foreign, cure]),
        },
    );
    let Ok(dynamic) = fs::read("/usr/i686-linux-gnu/lib/libc.so.6") else {
        skip("libc6-i386-cross is not installed");
        return;
    };
    with_file("i386-loader", dynamic, |directory| {
        let alone = Command::new(directory.path().join("app")).status();
        let first = match alone.map_err(|error| error.raw_os_error()) {
            Err(Some(libc::ENOENT)) => {
                "cannot run \"./app\": it needs the loader \"/lib/ld-linux.so.2\", which does not exist: it is built for glibc on 386 (i386)"
            }
            Err(Some(libc::ENOEXEC)) => foreign,
            other => {
                skip(&format!(
                    "this machine has the loader of such programs: {other:?}"
                ));
                return;
            }
        };
        expect(run(directory, "./app"), 126, &[first, cure]);
    });
}

#[test]
fn a_damaged_or_cut_off_program() {
    let cure = "copy or build it again, and compare its size";
    let whole = elf_samples::dynamic();
    let mut damaged = whole.clone();
    damaged[PROGRAM_HEADER_SIZE] = 0;
    for (name, content) in [("damaged", &damaged[..]), ("header", &whole[..40])] {
        is_no_program(name, content, "a program, but damaged or truncated", cure);
    }
    // With more the kernel would start it, and it would crash.
    let inside_loader = elf_samples::place_of_loader(&whole).start + 5;
    for size in [64, 500, inside_loader] {
        with_file("cut-off", &whole[..size], |directory| {
            let ended = run(directory, "./app").run();
            let first = format!(
                "rinit: cannot run \"./app\": it is a program, but damaged or truncated: it has {size} of "
            );
            assert!(ended.stderr.starts_with(&first), "{}", ended.stderr);
            assert!(
                ended.stderr.ends_with(&format!(" bytes\n       {cure}\n")),
                "{}",
                ended.stderr
            );
            assert_eq!(ended.status, 126);
        });
    }
}

#[test]
fn an_object_file_or_a_core_dump() {
    let what = "an object file or a core dump, not a program";
    let mut program = elf_samples::dynamic();
    for kind in [1, 4] {
        program[16] = kind;
        is_no_program("unlinked", &program, what, "link it into a program");
    }
}

#[test]
fn a_program_whose_loader_is_missing() {
    let glibcs = elf_samples::dynamic();
    let musls = elf_samples::with_loader("/lib/ld-musl-x86_64.so.1");
    let others = elf_samples::with_loader("/system/bin/linker64");
    let loader = elf_samples::loader(&glibcs);
    let glibc = format!(
        "cannot run \"/app\": it needs the loader \"{loader}\", which does not exist: it is built for glibc"
    );
    let musl = "cannot run \"/app\": it needs the loader \"/lib/ld-musl-x86_64.so.1\", which does not exist: it is built for musl";
    let elsewhere: (&str, &[u8]) = ("lib/ld-linux-elsewhere.so.2", b"");
    for (program, image, lines) in [
        (
            &glibcs,
            None,
            [
                &*glibc,
                "link it statically, or use an image with glibc (Debian)",
            ],
        ),
        (
            &glibcs,
            Some(("lib/ld-musl-x86_64.so.1", &b""[..])),
            [
                &*glibc,
                "this image has musl (Alpine): build it for that, or use an image with glibc (Debian)",
            ],
        ),
        (
            &glibcs,
            Some(elsewhere),
            [
                &*glibc,
                &format!("link it statically, or put \"{loader}\" into the image too"),
            ],
        ),
        (
            &musls,
            None,
            [
                musl,
                "link it statically, or use an image with musl (Alpine)",
            ],
        ),
        (
            &musls,
            Some(elsewhere),
            [
                musl,
                "this image has glibc (Debian): build it for that, or use an image with musl (Alpine)",
            ],
        ),
        (
            &others,
            None,
            [
                "cannot run \"/app\": it needs the loader \"/system/bin/linker64\", which does not exist",
                "link it statically, or put \"/system/bin/linker64\" into the image too",
            ],
        ),
    ] {
        let files: Vec<(&str, &[u8])> = [("app", &program[..])].into_iter().chain(image).collect();
        in_image("loader", &files, |rinit| expect(rinit, 126, &lines));
    }
}

#[test]
fn a_program_whose_loader_is_damaged() {
    with_file(
        "bad-loader",
        elf_samples::with_loader("./loader"),
        |directory| {
            directory.executable("loader", &elf_samples::dynamic()[..40]);
            expect(
                run(directory, "./app"),
                126,
                &[
                    "cannot run \"./loader\", which \"./app\" needs: it is a program, but damaged or truncated",
                    "copy or build it again, and compare its size",
                ],
            );
            set_mode(directory, "loader", 0o600);
            expect(
                run(directory, "./app"),
                126,
                &[
                    "cannot run \"./loader\", which \"./app\" needs: nobody may execute it (its mode is 0600)",
                    "in the Dockerfile: RUN chmod a+rx ./loader, or COPY --chmod=755",
                ],
            );
        },
    );
}
