//! What the fuzz targets feed, as a part of the program: whatever comes in, nothing panics, waits, or says what
//! could act on a terminal.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::cli::{self, definitions};
use crate::explain;
use crate::message::Message;
use crate::pid1_init;
use crate::search::Search;
use crate::signal::Signal;
use crate::sys::spawn::ExecError;
use crate::sys::{cgroup, procfs};

/// Why the kernel may refuse to run a file that is there.
const ERRORS: [Errno; 8] = [
    Errno::ENOEXEC,
    Errno::ENOENT,
    Errno::EACCES,
    Errno::EIO,
    Errno::ELIBBAD,
    Errno::EINVAL,
    Errno::ELOOP,
    Errno::E2BIG,
];

/// A file of these bytes as COMMAND, refused with each of the errors.
pub fn file(bytes: &[u8]) {
    let file = Scratch::new(bytes);
    let search = Search::new(file.0.as_os_str(), None);
    for errno in ERRORS {
        let failure = explain::why_not_started(&search, ExecError { path: 0, errno });
        check(&Message::CannotRun(&failure).to_string(), 3);
        assert!([126, 127].contains(&failure.cause.status()));
    }
    if let Some(failure) = explain::env::why_failed(&search) {
        check(&Message::RanInVain(&failure).to_string(), 3);
    }
    let _ = explain::program::cut_off(&search);
    let _ = explain::program::is_shell_script(&file.0);
    let _ = pid1_init::recognise(&search, &[]);
}

/// Files of /proc and of cgroups.
pub fn kernel_files(bytes: &[u8]) {
    for field in [procfs::PARENT, procfs::START_TIME] {
        let _ = procfs::stat_field(bytes, field);
    }
    // Whatever a process calls itself, the numbers behind that are the kernel's.
    let numbers = b") S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99\n";
    let stat = [b"12 (", bytes, numbers].concat();
    assert_eq!(procfs::stat_field(&stat, procfs::PARENT), Some(7));
    assert_eq!(procfs::stat_field(&stat, procfs::START_TIME), Some(4711));
    let _ = procfs::signals(bytes, b"SigIgn:");
    assert!(cgroup::paths(bytes).all(|(_, path)| !path.starts_with('/')));
    let _ = cgroup::counts(bytes);
    let _ = cgroup::limit(bytes);
}

/// Lines: the words of the command line, and from an empty line on variables in the order that they are asked for.
/// And all together: the value of each option.
pub fn command_line(bytes: &[u8]) {
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| OsString::from_vec(line.to_vec()));
    let words: Vec<OsString> = lines.by_ref().take_while(|word| !word.is_empty()).collect();
    let variables = std::cell::RefCell::new(lines);
    parse(words, &|_| variables.borrow_mut().next());
    for option in definitions::OPTIONS {
        let value = OsString::from_vec(bytes.to_vec());
        let option = format!("--{}", option.name);
        parse(vec![option.into(), value, "command".into()], &|_| None);
    }
    let Some(signal) = std::str::from_utf8(bytes).ok().and_then(Signal::parse) else {
        return;
    };
    // libc's own two have no name to be given by.
    if ![32, 33].contains(&signal.number()) {
        assert_eq!(Signal::parse(&signal.to_string()), Some(signal));
    }
}

fn parse(words: Vec<OsString>, environment: &dyn Fn(&str) -> Option<OsString>) {
    if let Err(error) = cli::parse(OsStr::new("rinit"), words, environment) {
        check(&Message::Usage(&error).to_string(), 1);
    }
}

/// So many lines at most, and nothing in them but what can be printed.
fn check(said: &str, lines: usize) {
    assert!(said.lines().count() <= lines, "{said}");
    assert!(
        !said.lines().any(|line| line.contains(char::is_control)),
        "{said:?}"
    );
}

/// A file that may be executed, with the name of an init, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(bytes: &[u8]) -> Self {
        let name = format!("rinit-fuzz-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).unwrap();
        let file = Self(directory.join("init"));
        fs::write(&file.0, bytes).unwrap();
        fs::set_permissions(&file.0, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(self.0.parent().unwrap()).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inputs that are kept of a target.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let directory = format!("{}/fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
        let files = fs::read_dir(directory).unwrap();
        let inputs: Vec<_> = files
            .map(|file| fs::read(file.unwrap().path()).unwrap())
            .collect();
        assert!(!inputs.is_empty());
        inputs
    }

    #[test]
    fn files_that_were_once_of_interest() {
        for bytes in corpus("file") {
            file(&bytes);
        }
    }

    #[test]
    fn kernel_files_that_were_once_of_interest() {
        for bytes in corpus("kernel_files") {
            kernel_files(&bytes);
        }
    }

    #[test]
    fn command_lines_that_were_once_of_interest() {
        for bytes in corpus("command_line") {
            command_line(&bytes);
        }
    }
}
