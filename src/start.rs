//! Starting COMMAND: where it is looked for, and what a failure means.

use std::ffi::{CString, OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::exit_code;
use crate::message::{Message, say};
use crate::options::Options;
use crate::sys::spawn::{ExecError, Inherited, Program, SpawnError, spawn};

/// Where shells look when PATH is not set.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const SHELL: &str = "/bin/sh";

/// Starts COMMAND. Where it cannot be started, says why and gives rinit's exit status.
pub fn start(
    options: &Options,
    command: Vec<OsString>,
    inherited: &Inherited,
    take_terminal: bool,
) -> Result<Pid, u8> {
    let arguments: Vec<CString> = command.into_iter().filter_map(c_string).collect();
    let name = arguments.first().map_or(&[][..], |name| name.as_bytes());
    let paths = paths(name, std::env::var_os("PATH"));
    let launch = |paths: &[CString], arguments: &[CString]| {
        let program = Program { paths, arguments };
        spawn(&program, inherited, take_terminal)
    };
    let failed = |error| fail(options, OsStr::from_bytes(name), &paths, error);
    let error = match launch(&paths, &arguments) {
        Ok(pid) => return started(options, pid, name),
        Err(error) => error,
    };
    // A script without `#!` is the shell's to run, as execvp(3) has it.
    let script = match &error {
        SpawnError::Exec(error) if error.errno == Errno::ENOEXEC => paths
            .get(error.path)
            .filter(|path| is_script(Path::new(OsStr::from_bytes(path.as_bytes())))),
        _ => None,
    };
    let (Some(script), Some(shell)) = (script, c_string(SHELL.into())) else {
        return Err(failed(error));
    };
    let rest = arguments.iter().skip(1).cloned();
    let arguments: Vec<CString> = [shell.clone(), script.clone()]
        .into_iter()
        .chain(rest)
        .collect();
    match launch(&[shell], &arguments) {
        Ok(pid) => started(options, pid, name),
        // That there is no shell here matters less than that the file needs one.
        Err(SpawnError::Exec(_)) => Err(failed(error)),
        Err(other) => Err(failed(other)),
    }
}

fn started(options: &Options, pid: Pid, name: &[u8]) -> Result<Pid, u8> {
    let command = OsStr::from_bytes(name);
    say(options.level, &Message::Started { pid, command });
    Ok(pid)
}

/// Words of the command line hold no NUL, since the kernel ends them by one.
fn c_string(word: OsString) -> Option<CString> {
    CString::new(word.into_vec()).ok()
}

/// The paths by which COMMAND may be found, in order.
fn paths(name: &[u8], path: Option<OsString>) -> Vec<CString> {
    if name.is_empty() {
        return Vec::new();
    }
    if name.contains(&b'/') {
        return CString::new(name).into_iter().collect();
    }
    let path = path.unwrap_or_else(|| DEFAULT_PATH.into());
    path.as_bytes()
        .split(|byte| *byte == b':')
        .filter_map(|directory| {
            // Nothing stands for the working directory.
            let separator: &[u8] = if directory.is_empty() { b"" } else { b"/" };
            CString::new([directory, separator, name].concat()).ok()
        })
        .collect()
}

/// Whether a file that the kernel does not know how to run is text. Never
/// waits: the file may be anything.
fn is_script(path: &Path) -> bool {
    let mut beginning = [0; 256];
    let Ok(length) = open_without_waiting(path).and_then(|mut file| file.read(&mut beginning))
    else {
        return false;
    };
    let beginning = beginning.get(..length).unwrap_or_default();
    let is_text = |byte: &u8| *byte >= b' ' || b"\t\n\r\x0c\x1b".contains(byte);
    !beginning.is_empty() && !beginning.starts_with(b"\x7fELF") && beginning.iter().all(is_text)
}

fn open_without_waiting(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Says why COMMAND could not be started; gives the exit status.
fn fail(options: &Options, command: &OsStr, paths: &[CString], error: SpawnError) -> u8 {
    let ExecError { path, errno } = match error {
        SpawnError::Clone(errno) => {
            say(options.level, &Message::CannotFork(errno));
            return exit_code::FAILED;
        }
        SpawnError::Mask(errno) => {
            say(options.level, &Message::CannotRestoreMask(errno));
            return exit_code::FAILED;
        }
        SpawnError::Exec(error) => error,
    };
    let exists = |path: &&CString| Path::new(OsStr::from_bytes(path.as_bytes())).exists();
    let not_found = [Errno::ENOENT, Errno::ENOTDIR].contains(&errno);
    // ENOENT also stands for an interpreter or loader that is missing.
    let meant = match errno {
        Errno::ENOENT => paths.iter().find(exists),
        _ => paths.get(path),
    };
    match meant {
        None if command.as_bytes().contains(&b'/') => {
            let why = errno;
            say(options.level, &Message::CannotStart { command, why });
        }
        None => say(options.level, &Message::NotInPath(command)),
        Some(path) => {
            let command = OsStr::from_bytes(path.as_bytes());
            let why = errno;
            say(options.level, &Message::CannotStart { command, why });
        }
    }
    if not_found && meant.filter(exists).is_none() {
        exit_code::NOT_FOUND
    } else {
        exit_code::CANNOT_RUN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(name: &str, path: Option<&str>) -> Vec<String> {
        let paths = paths(name.as_bytes(), path.map(OsString::from));
        paths
            .into_iter()
            .map(|path| path.into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_name_without_a_slash_is_looked_up_in_path() {
        assert_eq!(searched("app", Some("/a:/b/")), ["/a/app", "/b//app"]);
        assert_eq!(searched("app", Some("")), ["app"]);
        assert_eq!(searched("app", Some("/a::/b")), ["/a/app", "app", "/b/app"]);
        assert!(searched("app", None).contains(&"/bin/app".to_owned()));
    }

    #[test]
    fn a_name_with_a_slash_is_taken_as_it_is() {
        assert_eq!(searched("./app", Some("/a")), ["./app"]);
        assert_eq!(searched("/app", None), ["/app"]);
    }

    #[test]
    fn an_empty_name_is_nowhere() {
        assert!(searched("", Some("/a")).is_empty());
    }
}
