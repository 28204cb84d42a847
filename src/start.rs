//! Starting COMMAND.

use std::ffi::{CStr, CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::exit_code;
use crate::explain;
use crate::message::{Message, say};
use crate::options::Options;
use crate::search::Search;
use crate::sys::spawn::{Inherited, Program, SpawnError, spawn};

/// COMMAND, started.
pub struct Command {
    pub pid: Pid,
    pub search: Search,
}

/// Starts COMMAND. Where it cannot be started, says why and gives rinit's exit status.
pub fn start(
    options: &Options,
    words: Vec<OsString>,
    inherited: &Inherited,
    take_terminal: bool,
) -> Result<Command, u8> {
    let name = words.first().cloned().unwrap_or_default();
    let search = Search::new(&name, std::env::var_os("PATH"));
    let arguments: Vec<CString> = words.into_iter().filter_map(c_string).collect();
    let paths = search.paths.iter().cloned().map(PathBuf::into_os_string);
    let paths: Vec<CString> = paths.filter_map(c_string).collect();

    let launch = |paths: &[CString], arguments: &[CString]| {
        let program = Program { paths, arguments };
        spawn(&program, inherited, take_terminal)
    };
    let mut result = launch(&paths, &arguments);
    if let Some(script) = shell_script(&search, &result) {
        let shell = [SHELL.to_owned()];
        let rest = arguments.iter().skip(1).cloned();
        let arguments: Vec<CString> = [SHELL.to_owned(), script].into_iter().chain(rest).collect();
        match launch(&shell, &arguments) {
            // That there is no shell here matters less than that the file needs one.
            Err(SpawnError::Exec(_)) => {}
            other => result = other,
        }
    }
    match result {
        Ok(pid) => {
            say(
                options.level,
                &Message::Started {
                    pid,
                    command: &name,
                },
            );
            let search = search.absolute();
            Ok(Command { pid, search })
        }
        Err(error) => Err(fail(options, &search, error)),
    }
}

const SHELL: &CStr = c"/bin/sh";

/// The path of a text without `#!`, which the kernel does not know how to run:
/// it is the shell's to run, as execvp(3) has it.
fn shell_script(search: &Search, result: &Result<Pid, SpawnError>) -> Option<CString> {
    match result {
        Err(SpawnError::Exec(error)) if error.errno == Errno::ENOEXEC => {
            let path = search.paths.get(error.path)?;
            let path = explain::is_shell_script(path).then(|| path.clone())?;
            c_string(path.into_os_string())
        }
        _ => None,
    }
}

/// Words of the command line and of the environment hold no NUL, since the
/// kernel ends them by one.
fn c_string(word: OsString) -> Option<CString> {
    CString::new(word.into_vec()).ok()
}

/// Says why COMMAND could not be started; gives the exit status.
fn fail(options: &Options, search: &Search, error: SpawnError) -> u8 {
    match error {
        SpawnError::Clone(errno) => {
            say(options.level, &Message::CannotFork(errno));
            exit_code::FAILED
        }
        SpawnError::Mask(errno) => {
            say(options.level, &Message::CannotRestoreMask(errno));
            exit_code::FAILED
        }
        SpawnError::Exec(error) => {
            let failure = explain::why_not_started(search, error);
            say(options.level, &Message::CannotRun(&failure));
            failure.cause.status()
        }
    }
}
