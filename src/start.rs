//! Starting COMMAND.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::exit_code;
use crate::explain;
use crate::explain::program::SHELL;
use crate::message::{Message, log};
use crate::options::Options;
use crate::pid1_init;
use crate::search::Search;
use crate::sys::clock;
use crate::sys::spawn::{self, Inherited, Program, SpawnError};

/// COMMAND, looked up.
pub struct Plan {
    search: Search,
    arguments: Vec<CString>,
    paths: Vec<CString>,
}

impl Plan {
    pub fn new(words: Vec<OsString>) -> Self {
        let name = words.first().cloned().unwrap_or_default();
        let search = Search::new(&name, std::env::var_os("PATH"));
        let paths = search.paths.iter().cloned().map(PathBuf::into_os_string);
        Self {
            paths: paths.filter_map(c_string).collect(),
            arguments: words.into_iter().filter_map(c_string).collect(),
            search,
        }
    }

    fn program(&self) -> Program<'_> {
        Program {
            paths: &self.paths,
            arguments: &self.arguments,
        }
    }
}

/// COMMAND, started.
pub struct Started {
    pub pid: Pid,
    pub search: Search,
}

/// Replaces rinit, which is process 1, by COMMAND where that is an init which
/// insists on being that. Returns if it is none, or, with rinit's exit status,
/// if it cannot be started.
pub fn make_room(options: &Options, plan: &Plan, inherited: &Inherited) -> Result<(), u8> {
    if !options.make_room {
        return Ok(());
    }
    let Some(init) = pid1_init::recognise(&plan.search, &plan.arguments) else {
        return Ok(());
    };
    let command = &plan.search.name;
    log(options.level, &Message::MakingRoom { command, init });
    let error = spawn::replace(&plan.program(), inherited);
    Err(fail(options, &plan.search, error))
}

/// Starts COMMAND.
///
/// # Errors
/// rinit's exit status, where COMMAND could not be started: why, is logged.
pub fn start(
    options: &Options,
    plan: Plan,
    inherited: &Inherited,
    take_terminal: bool,
) -> Result<Started, u8> {
    let launch = |program: &Program| spawn::spawn(program, inherited, take_terminal);
    let mut result = launch(&plan.program());
    let search = plan.search;
    if let Some(script) = shell_script(&search, &result) {
        let rest = plan.arguments.into_iter().skip(1);
        let arguments: Vec<CString> = [SHELL.to_owned(), script].into_iter().chain(rest).collect();
        let shell = Program {
            paths: &[SHELL.to_owned()],
            arguments: &arguments,
        };
        match launch(&shell) {
            // That there is no shell here matters less than that the file needs one.
            Err(SpawnError::Exec(_)) => {}
            other => result = other,
        }
    }
    match result {
        Ok(pid) => {
            let command = &search.name;
            log(options.level, &Message::Started { pid, command });
            let mut search = search.absolute(|| std::env::current_dir().ok());
            search.started_at = Some(clock::now());
            Ok(Started { pid, search })
        }
        Err(error) => Err(fail(options, &search, error)),
    }
}

/// The path of a text without `#!`, which the kernel does not know how to run:
/// it is the shell's to run, as execvp(3) has it.
fn shell_script(search: &Search, result: &Result<Pid, SpawnError>) -> Option<CString> {
    match result {
        Err(SpawnError::Exec(error)) if error.errno == Errno::ENOEXEC => {
            let path = search.paths.get(error.path)?;
            let path = explain::program::is_shell_script(path).then(|| path.clone())?;
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

/// Logs why COMMAND could not be started; returns the exit status.
fn fail(options: &Options, search: &Search, error: SpawnError) -> u8 {
    let command = &search.name;
    match error {
        SpawnError::Clone(why) => {
            log(options.level, &Message::CannotFork { command, why });
            exit_code::FAILED
        }
        SpawnError::Mask(why) => {
            log(options.level, &Message::CannotRestoreMask { command, why });
            exit_code::FAILED
        }
        SpawnError::Exec(error) => {
            let failure = explain::why_not_started(search, error);
            log(options.level, &Message::CannotRun(&failure));
            failure.cause.status()
        }
    }
}
