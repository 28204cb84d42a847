//! Inits that insist on being process 1, and how each is recognised: by the
//! name of its file, every link followed, and by what the file holds. A
//! program that is merely called so is none of them.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use crate::search::Search;
use crate::sys::file;

/// An init that does nothing but complain where it is not process 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Init {
    Systemd,
    OpenRc,
    Runit,
    S6Overlay,
    Busybox,
    SysV,
}

/// The names of programs, and what such a program alone holds. What busybox does depends on the name that
/// it is started by, which is `init` then: a link to it, mostly.
const PROGRAMS: [(&str, &[u8], Init); 7] = [
    ("systemd", b"systemd.show_status", Init::Systemd),
    ("openrc-init", b"OpenRC init version ", Init::OpenRc),
    ("runit", b"must be run as process no 1.", Init::Runit),
    ("runit-init", b"init: fatal: ", Init::Runit),
    ("busybox", b"must be run as PID 1", Init::Busybox),
    ("init", b"must be run as PID 1", Init::Busybox),
    ("init", b"INIT_VERSION=sysvinit-", Init::SysV),
];
/// With one of these, systemd starts no system.
const OTHER_JOBS_OF_SYSTEMD: [&str; 5] = ["--user", "--test", "--version", "--help", "-h"];
const DUMPS_OF_SYSTEMD: &[u8] = b"--dump-";

/// The script of s6-overlay, and the words in it by which it hands on to the
/// overlay's own files: version 3 has its version within the path.
const SCRIPT: &str = "init";
const STAGE_V2: &[u8] = b"/etc/s6/init/init-stage1";
const STAGE_V3: (&[u8], &[u8]) = (b"/package/admin/s6-overlay", b"/libexec/stage0");

/// Bytes. systemd had at most some two million.
const LARGEST: usize = 16 << 20;
/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: u32 = 40;

/// The init that COMMAND would become.
pub fn recognise(search: &Search, arguments: &[CString]) -> Option<Init> {
    // By whatever name an init is called, it is one of these; nobody else pays for opening files.
    known_name(Path::new(&search.name))?;
    let file = search.paths.iter().find_map(|path| follow(path))?;
    let name = known_name(&file)?;
    if !is_to_start_system(name, arguments) {
        return None;
    }
    access(&file, AccessFlags::X_OK).ok()?;
    let content = file::beginning(&file, LARGEST)?;
    identify(name, &content, &|path| path.exists())
}

fn known_name(file: &Path) -> Option<&OsStr> {
    let is_known =
        |name: &&OsStr| *name == SCRIPT || PROGRAMS.iter().any(|(program, ..)| *name == *program);
    file.file_name().filter(is_known)
}

/// The file itself behind symbolic links. `None`: there is none.
fn follow(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match nix::fcntl::readlink(&path) {
            Ok(target) => path = path.parent()?.join(target),
            Err(Errno::EINVAL) => return Some(path),
            Err(_) => return None,
        }
    }
    None
}

/// Whether `wanted` is somewhere in `bytes`.
fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    // The first byte beforehand: comparing slices is a call each.
    let is_it = |rest: &[u8]| rest.first() == wanted.first() && rest.starts_with(wanted);
    (0..bytes.len()).any(|place| bytes.get(place..).is_some_and(is_it))
}

/// The init of which this is the file. `exists`: whether another file does.
fn identify(name: &OsStr, content: &[u8], exists: &dyn Fn(&Path) -> bool) -> Option<Init> {
    if content.starts_with(b"\x7fELF") {
        let is_this =
            |(program, mark, _): &&(&str, &[u8], Init)| name == *program && holds(content, mark);
        return PROGRAMS.iter().find(is_this).map(|(.., init)| *init);
    }
    let is_overlay = name == SCRIPT
        && content.starts_with(b"#!")
        && content
            .split(u8::is_ascii_whitespace)
            .any(|word| is_stage(word) && exists(Path::new(OsStr::from_bytes(word))));
    is_overlay.then_some(Init::S6Overlay)
}

fn is_stage(word: &[u8]) -> bool {
    let (package, stage) = STAGE_V3;
    word == STAGE_V2 || (word.starts_with(package) && word.ends_with(stage))
}

/// Whether the program of that file is to be an init, and not one of the other things that it can do.
fn is_to_start_system(file: &OsStr, arguments: &[CString]) -> bool {
    let mut words = arguments.iter().map(|argument| argument.to_bytes());
    if file == "systemd" {
        return words.skip(1).all(|word| {
            let is_word = |other: &str| word == other.as_bytes();
            !word.starts_with(DUMPS_OF_SYSTEMD) && !OTHER_JOBS_OF_SYSTEMD.into_iter().any(is_word)
        });
    }
    if file == "busybox" {
        let base = |word| Path::new(OsStr::from_bytes(word)).file_name();
        // By the name that it is started by, or by its first argument.
        let mut applet = words.next().and_then(base);
        if applet == Some(file) {
            applet = words.next().and_then(base);
        }
        return applet == Some(OsStr::new(SCRIPT));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identified(name: &str, content: &str, existing: &str) -> Option<Init> {
        let exists = |path: &Path| path == Path::new(existing);
        identify(OsStr::new(name), content.as_bytes(), &exists)
    }

    #[test]
    fn a_program_is_known_by_its_name_and_its_mark() {
        for (name, mark, init) in PROGRAMS {
            let mark = std::str::from_utf8(mark).unwrap();
            let program = format!("\x7fELF...{mark}...");
            assert_eq!(identified(name, &program, ""), Some(init));
            assert_eq!(identified("other", &program, ""), None);
            assert_eq!(identified(name, "\x7fELF...", ""), None);
            assert_eq!(identified(name, &format!("#!/bin/sh {mark}"), ""), None);
        }
        assert_eq!(
            identified("systemd", "\x7fELF... must be run as process no 1.", ""),
            None
        );
    }

    #[test]
    fn s6_overlay_is_known_by_the_stage_that_its_script_leads_to() {
        for stage in [
            "/etc/s6/init/init-stage1",
            "/package/admin/s6-overlay-3.2.0.2/libexec/stage0",
            "/package/admin/s6-overlay/libexec/stage0",
        ] {
            let script = format!("#!/bin/sh -e\nexec \\\n  {stage} \\\n  \"$@\"\n");
            assert_eq!(identified("init", &script, stage), Some(Init::S6Overlay));
            assert_eq!(identified("init", &script, "/elsewhere"), None);
            assert_eq!(identified("start", &script, stage), None);
            assert_eq!(identified("init", stage, stage), None);
        }
    }

    fn starts(file: &str, words: &str) -> bool {
        let words = words.split(' ').map(|word| CString::new(word).unwrap());
        is_to_start_system(OsStr::new(file), &words.collect::<Vec<_>>())
    }

    #[test]
    fn of_busybox_only_its_init_counts() {
        let starts = |words: &str| starts("busybox", words);
        assert!(starts("/sbin/init"));
        assert!(starts("init"));
        assert!(starts("/bin/busybox init"));
        assert!(!starts("busybox sh -c init"));
        assert!(!starts("/bin/sh init"));
    }

    #[test]
    fn only_systemd_that_starts_a_system_counts() {
        let starts = |words: &str| starts("systemd", words);
        assert!(starts("/sbin/init"));
        assert!(starts("--user"), "a name is no argument");
        assert!(starts("systemd --system systemd.unit=rescue.target 3"));
        assert!(!starts("systemd --log-level=debug --user"));
        assert!(!starts("systemd --dump-configuration-items"));
    }
}
