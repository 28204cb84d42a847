//! Why COMMAND does not start is said: what is wrong with which file, and what to do. Each situation is a real one.

mod elf;
mod format;
mod name;
mod permission;
mod refusal;
mod script;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use nix::sys::utsname::uname;
use nix::unistd::chroot;

use crate::common::{Directory, Rinit, Role, as_pid1, binary};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Its exit status, and all that it says: the first line without `rinit: `, the others without their indentation.
fn expect(rinit: Rinit, status: i32, lines: &[&str]) {
    let ended = rinit.run();
    let said = format!("rinit: {}\n", lines.join("\n       "));
    assert_eq!((ended.stderr, ended.status), (said, status));
    assert!(lines.len() <= 3, "a tired person reads three lines");
}

/// Runs COMMAND in that directory, as the first process.
fn run(directory: &Directory, command: &str) -> Rinit {
    Rinit::new(Role::Pid1)
        .directory(directory.path())
        .env("PATH", PATH)
        .arg("--")
        .arg(command)
}

/// A test in a directory of its own.
fn in_directory(name: &str, test: impl Fn(&Directory)) {
    as_pid1(|_| test(&Directory::new(name)));
}

/// The same for a file `app` of these bytes, which may be executed.
fn with_file(name: &str, content: impl AsRef<[u8]>, test: impl Fn(&Directory)) {
    in_directory(name, |directory| {
        directory.executable("app", content.as_ref());
        test(directory);
    });
}

fn set_mode(directory: &Directory, name: &str, mode: u32) {
    let path = directory.path().join(name);
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// This machine's architecture, as rinit is to call it.
fn machine() -> (&'static str, &'static str) {
    match uname().expect("a kernel").machine().to_str() {
        Some("x86_64") => ("amd64", "amd64 (x86_64)"),
        Some("aarch64") => ("arm64", "arm64 (aarch64)"),
        other => panic!("what Docker calls {other:?} is to be added here"),
    }
}

/// What of these bytes is said, which are no program and no text.
fn is_no_program(name: &str, content: &[u8], what: &str, cure: &str) {
    with_file(name, content, |directory| {
        let first = format!("cannot run \"./app\": it is {what}");
        expect(run(directory, "./app"), 126, &[&first, cure]);
    });
}

/// Where it stands in the header of a program of 64 bits.
const PROGRAM_HEADER_SIZE: usize = 54;

/// Runs `/app` in an image of these files and rinit, which may be executed.
fn in_image(name: &str, files: &[(&str, &[u8])], test: impl Fn(Rinit)) {
    in_directory(name, |directory| {
        for (file, content) in files {
            let parent = directory.path().join(file);
            fs::create_dir_all(parent.parent().expect("a directory")).expect("a directory");
            directory.executable(file, content);
        }
        directory.copy(&binary(), "rinit");
        let root = directory.path().to_owned();
        let rinit = Rinit::program(Role::Pid1, "/rinit".as_ref())
            .before_exec(move || {
                chroot(&root)?;
                Ok(nix::unistd::chdir("/")?)
            })
            .words("-- /app");
        test(rinit);
    });
}
