//! What the kernel refuses for other reasons, and hostile names.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use nix::sys::resource::{Resource, setrlimit};

use super::{expect, in_directory, run, with_file};
use crate::common::elf_samples;
use crate::common::{Rinit, Role, binary, fixture, skip};

#[test]
fn a_file_system_that_is_mounted_noexec() {
    with_file("noexec", "#!/bin/sh\n", |directory| {
        let path = directory.path();
        fs::create_dir(path.join("volume")).expect("a directory");
        let volume = path.join("volume");
        let script = "mount -t tmpfs -o noexec none volume && mkdir volume/bin && cp app volume/bin/app \
            && exec \"$RINIT\" -- ";
        for (command, file) in [
            ("./volume/bin/app", ""),
            ("./script", ", which \"./script\" needs"),
        ] {
            directory.executable("script", "#!./volume/bin/app\n");
            expect(
                Rinit::program(Role::Pid1, "/bin/sh".as_ref())
                    .directory(path)
                    .env("RINIT", binary())
                    .arg("-c")
                    .arg(format!("{script}{command}")),
                126,
                &[
                    &format!(
                        "cannot run \"./volume/bin/app\"{file}: the file system at \"{}\" is mounted noexec",
                        volume.display()
                    ),
                    "put the program elsewhere, or mount that without noexec",
                ],
            );
        }
    });
}

#[test]
fn too_long_a_list_of_arguments() {
    // Short, so that rinit's own words are not much longer than COMMAND's.
    with_file(
        "e2big",
        format!("#!/bin/sh {}\n", "x".repeat(240)),
        |directory| {
            let rinit = directory.copy(&binary(), "own");
            // The largest that still fits for rinit, and for a script, which has more words, does not.
            let fits = (0..200)
                .map(|step| 128 * 1024 - step * 64)
                .find_map(|size| {
                    Rinit::program(Role::Pid1, &rinit)
                        .arg(directory.path().join("app"))
                        .arg("x".repeat(size))
                        .before_exec(|| {
                            Ok(setrlimit(Resource::RLIMIT_STACK, 512 * 1024, 512 * 1024)?)
                        })
                        .try_start()
                        .ok()
                });
            let ended = fits.expect("a size that fits").end();
            let said = format!(
                "rinit: cannot run \"{}\": its arguments and environment together are too long\n       \
             shorten them, or raise the limit, a quarter of the stack's (ulimit -s)\n",
                directory.path().join("app").display()
            );
            assert_eq!((ended.stderr, ended.status), (said, 126));
        },
    );
}

#[test]
fn too_long_a_name() {
    in_directory("long-name", |directory| {
        let name = format!("./{}", "x".repeat(300));
        expect(
            run(directory, &name),
            126,
            &[
                &format!("cannot run \"{name}\": its name is too long"),
                "a name may have 255 bytes, a whole path 4095",
            ],
        );
    });
}

#[test]
fn a_file_that_is_being_written() {
    with_file("busy", elf_samples::dynamic(), |directory| {
        let path = directory.path().join("app");
        let _writer = File::options().write(true).open(path).expect("a file");
        let alone = Command::new(directory.path().join("app")).status();
        if alone.is_ok() {
            skip("this kernel runs a file that is being written");
            return;
        }
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": a process has it open for writing",
                "start it once it has been written and closed",
            ],
        );
    });
}

#[test]
fn what_the_kernel_refuses_for_reasons_of_its_own() {
    with_file("refused", elf_samples::dynamic(), |directory| {
        for (errno, lines) in [
            (
                libc::ENOMEM,
                [
                    "cannot run \"./app\": there is not enough memory to start it",
                    "give the container more memory",
                ],
            ),
            (
                libc::EPERM,
                [
                    "cannot run \"./app\": the kernel does not permit it",
                    "the host's seccomp profile or a security module may forbid it: see its log",
                ],
            ),
            (
                libc::EACCES,
                [
                    "cannot run \"./app\": the kernel denies it, although its mode allows it",
                    "a security module of the host may forbid it (SELinux, AppArmor): see its log",
                ],
            ),
            (
                libc::ENFILE,
                [
                    "cannot run \"./app\": too many files are open on this machine",
                    "raise the host's limit (sysctl fs.file-max)",
                ],
            ),
            (
                libc::ENOSYS,
                [
                    "cannot run \"./app\": Function not implemented",
                    "execve(2) lists what the kernel may mean",
                ],
            ),
        ] {
            let rinit = Rinit::program(Role::Pid1, &fixture())
                .directory(directory.path())
                .words(&format!("refuse-exec {errno}"))
                .arg(binary())
                .words("-- ./app");
            expect(rinit, 126, &lines);
        }
    });
}

#[test]
fn reading_that_fails() {
    with_file("io", elf_samples::dynamic(), |directory| {
        let rinit = Rinit::program(Role::Pid1, &fixture())
            .directory(directory.path())
            .words(&format!("refuse-exec {}", libc::EIO))
            .arg(binary())
            .words("-- ./app");
        expect(
            rinit,
            126,
            &["cannot run \"./app\": reading it failed", "check the disk"],
        );
    });
}

#[test]
fn a_hostile_name_stays_on_its_line_and_gives_no_command_away() {
    in_directory("hostile", |directory| {
        let name = OsString::from_vec(b"./a\x1b[2J\n\xff;reboot'".to_vec());
        fs::write(directory.path().join(&name), "#!/bin/sh\n").expect("a file");
        let rinit = Rinit::new(Role::Pid1)
            .directory(directory.path())
            .arg("--")
            .arg(&name);
        expect(
            rinit,
            126,
            &[
                r#"cannot run "./a\x1b[2J\x0a\xff;reboot'": nobody may execute it (its mode is 0644)"#,
                r"in the Dockerfile: RUN chmod a+rx $'./a\x1b[2J\x0a\xff;reboot\'', or COPY --chmod=755",
            ],
        );
        // To be typed in a shell that knows such quotes, it names that file and nothing else.
        let typed = Command::new("bash")
            .args(["-c", r"chmod a+rx $'./a\x1b[2J\x0a\xff;reboot\''"])
            .current_dir(directory.path())
            .status();
        assert!(typed.is_ok_and(|status| status.success()));
    });
    with_file(
        "hostile-line",
        b"#!/bin/\x1b]0;owned\x07\xffsh\n",
        |directory| {
            expect(
                run(directory, "./app"),
                126,
                &[
                    r#"cannot run "./app": its first line asks for "/bin/\x1b]0;owned\x07\xffsh", which does not exist"#,
                    r#"install "/bin/\x1b]0;owned\x07\xffsh" in the image, or write #!/bin/sh there if that will do"#,
                ],
            );
        },
    );
}

#[test]
fn a_very_long_name_is_cut() {
    in_directory("very-long-name", |directory| {
        let ended = run(directory, &"\u{1b}".repeat(4000)).run();
        assert_eq!(ended.status, 127);
        assert!(ended.stderr.len() <= 2048, "{} bytes", ended.stderr.len());
        assert!(ended.stderr.ends_with("...\n"), "{}", ended.stderr);
    });
}
