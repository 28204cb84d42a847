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
}

/// The names of programs, and what such a program alone holds.
const PROGRAMS: [(&str, &[u8], Init); 4] = [
    ("systemd", b"systemd.show_status", Init::Systemd),
    ("openrc-init", b"OpenRC init version ", Init::OpenRc),
    ("runit", b"must be run as process no 1.", Init::Runit),
    ("runit-init", b"init: fatal: ", Init::Runit),
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
    // By whatever name an init is called, it is one of these; nobody else pays for a look at files.
    known_name(Path::new(&search.name))?;
    let file = search.paths.iter().find_map(|path| follow(path))?;
    let name = known_name(&file)?;
    access(&file, AccessFlags::X_OK).ok()?;
    let content = file::beginning(&file, LARGEST)?;
    let init = identify(name, &content, &|path| path.exists())?;
    (init != Init::Systemd || starts_system(arguments)).then_some(init)
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

/// The init of which this is the file. `exists` tells of other files.
fn identify(name: &OsStr, content: &[u8], exists: &dyn Fn(&Path) -> bool) -> Option<Init> {
    if content.starts_with(b"\x7fELF") {
        let (_, mark, init) = PROGRAMS.iter().find(|(program, ..)| name == *program)?;
        return holds(content, mark).then_some(*init);
    }
    let is_overlay = name == SCRIPT
        && content.starts_with(b"#!")
        && content
            .split(u8::is_ascii_whitespace)
            .any(|word| is_stage(word) && exists(Path::new(OsStr::from_bytes(word))));
    is_overlay.then_some(Init::S6Overlay)
}

fn holds(content: &[u8], mark: &[u8]) -> bool {
    (0..content.len()).any(|at| content.get(at..).is_some_and(|rest| rest.starts_with(mark)))
}

fn is_stage(word: &[u8]) -> bool {
    let (package, stage) = STAGE_V3;
    word == STAGE_V2 || (word.starts_with(package) && word.ends_with(stage))
}

fn starts_system(arguments: &[CString]) -> bool {
    arguments.iter().skip(1).all(|argument| {
        let word = argument.to_bytes();
        !word.starts_with(DUMPS_OF_SYSTEMD)
            && OTHER_JOBS_OF_SYSTEMD
                .iter()
                .all(|other| word != other.as_bytes())
    })
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
            assert_eq!(identified("init", &program, ""), None);
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

    #[test]
    fn only_systemd_that_starts_a_system_counts() {
        let starts = |words: &str| {
            let words = words.split(' ').map(|word| CString::new(word).unwrap());
            starts_system(&words.collect::<Vec<_>>())
        };
        assert!(starts("/sbin/init"));
        assert!(starts("--user"), "a name is no argument");
        assert!(starts("systemd --system systemd.unit=rescue.target 3"));
        assert!(!starts("systemd --log-level=debug --user"));
        assert!(!starts("systemd --dump-configuration-items"));
    }
}
