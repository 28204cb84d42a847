//! What may not be run, or is no file.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, mkfifo, setgroups, setresgid, setresuid};

use super::{PATH, expect, in_directory, in_image, run, set_mode, with_file};
use crate::common::elf_samples;
use crate::common::{Directory, Rinit, Role, binary, skip};

#[test]
fn a_file_that_nobody_may_execute() {
    with_file("no-execute", "#!/bin/sh\n", |directory| {
        set_mode(directory, "app", 0o644);
        expect(
            run(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": nobody may execute it (its mode is 0644)",
                "in the Dockerfile: RUN chmod a+rx ./app, or COPY --chmod=755",
            ],
        );
        let bin = directory.path().display();
        expect(
            run(directory, "app").env("PATH", format!("{bin}:/bin")),
            126,
            &[
                &format!("cannot run \"{bin}/app\": nobody may execute it (its mode is 0644)"),
                &format!("in the Dockerfile: RUN chmod a+rx {bin}/app, or COPY --chmod=755"),
            ],
        );
    });
}

#[test]
fn a_directory() {
    in_directory("directory", |directory| {
        fs::create_dir(directory.path().join("app")).expect("a directory");
        let bin = directory.path().display().to_string();
        for (command, file) in [("./app", "./app"), ("app", &format!("{bin}/app"))] {
            expect(
                run(directory, command).env("PATH", &bin),
                126,
                &[
                    &format!("cannot run \"{file}\": it is a directory"),
                    "name a program in it; if a file was to be mounted there, the host may not have it",
                ],
            );
        }
    });
}

#[test]
fn a_pipe_a_socket_or_a_device_holds_nothing_up() {
    in_directory("special", |directory| {
        let path = |name: &str| directory.path().join(name);
        mkfifo(&path("pipe"), Mode::from_bits_retain(0o777)).expect("a pipe");
        let _socket = UnixListener::bind(path("socket")).expect("a socket");
        for command in ["./pipe", "./socket", "/dev/zero", "/dev/tty"] {
            expect(
                run(directory, command),
                126,
                &[
                    &format!(
                        "cannot run \"{command}\": it is a pipe, a socket or a device, not a program"
                    ),
                    "check the path",
                ],
            );
        }
        directory.executable("script", "#!./pipe\n");
        directory.executable("program", elf_samples::with_loader("./pipe"));
        for needed_by in ["./script", "./program"] {
            expect(
                run(directory, needed_by),
                126,
                &[
                    &format!(
                        "cannot run \"./pipe\", which \"{needed_by}\" needs: it is a pipe, a socket or a device, not a program"
                    ),
                    "check the path",
                ],
            );
        }
    });
}

#[test]
fn pipes_in_place_of_the_kernels_files_hold_nothing_up() {
    let pipes = ["proc/self/cgroup", "sys/fs/cgroup/memory.events"];
    let files = pipes.map(|pipe| (pipe, &b""[..]));
    in_image("kernels-files", &files, |rinit| {
        let ended = rinit
            .before_exec(move || {
                for pipe in [c"/proc/self/cgroup", c"/sys/fs/cgroup/memory.events"] {
                    nix::unistd::unlink(pipe)?;
                    mkfifo(pipe, Mode::from_bits_retain(0o777))?;
                }
                Ok(())
            })
            .run();
        assert_eq!(ended.status, 127, "{}", ended.stderr);
    });
}

/// Runs COMMAND in that directory as a user without rights, with a rinit that is in there as well.
fn run_as_user(directory: &Directory, command: &str) -> Rinit {
    let rinit = directory.copy(&binary(), "rinit");
    Rinit::program(Role::Pid1, &rinit)
        .directory(directory.path())
        .env("PATH", PATH)
        .before_exec(|| {
            let (user, group) = (Uid::from_raw(1234), Gid::from_raw(1234));
            setgroups(&[])?;
            setresgid(group, group, group)?;
            Ok(setresuid(user, user, user)?)
        })
        .arg("--")
        .arg(command)
}

fn as_user(name: &str, test: impl Fn(&Directory)) {
    if Uid::effective().is_root() {
        in_directory(name, test);
    } else {
        skip("only root can become another user");
    }
}

#[test]
fn a_file_that_only_others_may_execute() {
    as_user("others-file", |directory| {
        directory.executable("app", "#!/bin/sh\n");
        set_mode(directory, "app", 0o700);
        expect(
            run_as_user(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": user 1234 may not execute it (its mode is 0700)",
                "in the Dockerfile: RUN chmod a+rx ./app, or COPY --chmod=755",
            ],
        );
    });
}

#[test]
fn a_file_that_only_others_may_read() {
    as_user("unreadable", |directory| {
        directory.executable("app", "echo hello\n");
        set_mode(directory, "app", 0o711);
        expect(
            run_as_user(directory, "./app"),
            126,
            &[
                "cannot run \"./app\": it is not a program, and if it is a script, user 1234 may not read it",
                "in the Dockerfile: RUN chmod a+rx ./app",
            ],
        );
    });
}

#[test]
fn a_directory_on_the_way_that_may_not_be_searched() {
    as_user("unsearchable", |directory| {
        let private = directory.path().join("private");
        fs::create_dir_all(private.join("bin")).expect("a directory");
        directory.executable("private/bin/app", "#!/bin/sh\n");
        symlink("private/bin/app", directory.path().join("link")).expect("a link");
        set_mode(directory, "private", 0o700);
        for command in ["./private/bin/app", "./link"] {
            expect(
                run_as_user(directory, command),
                126,
                &[
                    &format!(
                        "cannot run \"{command}\": user 1234 may not enter the directory \"./private\""
                    ),
                    "in the Dockerfile: RUN chmod a+x ./private; or run as another user",
                ],
            );
        }
        let private = private.display();
        let path = format!("{private}/bin:/bin");
        expect(
            run_as_user(directory, "app").env("PATH", &path),
            126,
            &[
                "cannot run \"app\": there is no such program in PATH",
                &format!(
                    "it may be \"{private}/bin/app\", but user 1234 may not enter \"{private}\"; in the Dockerfile: RUN chmod a+x {private}"
                ),
                &format!("PATH is \"{path}\""),
            ],
        );
        directory.executable("app", format!("#!{private}/bin/app\n"));
        expect(
            run_as_user(directory, "./app"),
            126,
            &[
                &format!(
                    "cannot run \"{private}/bin/app\", which \"./app\" needs: user 1234 may not enter the directory \"{private}\""
                ),
                &format!("in the Dockerfile: RUN chmod a+x {private}; or run as another user"),
            ],
        );
    });
}
