//! rinit: the first process of a container. It starts the command it is given,
//! forwards every signal to it, reaps orphans, lets what the command left
//! behind finish, and exits with the command's status.

#![deny(unsafe_code, clippy::undocumented_unsafe_blocks)]
// PID 1 may not panic.
#![cfg_attr(
    not(any(test, fuzzing)),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]
#[cfg(not(target_os = "linux"))]
compile_error!(
    "rinit is made for Linux: its work is process groups, subreapers and /proc as Linux has them"
);

mod cli;
mod command;
mod ending;
mod event_log;
mod exit_code;
mod explain;
mod fixed_string;
#[cfg(test)]
mod floors;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod kernel_reaping;
mod lifecycle;
mod log_filters;
mod message;
mod number;
mod options;
mod pause;
mod pid1_init;
mod process;
mod search;
mod signal;
mod start;
mod supervisor;
mod sys;
mod time;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use cli::Request;
use cli::definitions::TERMINATION_LOG;
/// For the manual page.
pub use cli::help::in_full as command_line;
use message::{Message, log};
use options::{Level, Options, VariableWarning};
use start::Plan;
use supervisor::Given;
pub use sys::heap::Heap;
use sys::signals::SignalReader;
use sys::spawn::Inherited;
use sys::terminal::{Terminal, TerminalState};
use sys::{descriptors, environment, signals, termination_log, this_process};

/// The order of events. Gives the exit status.
///
/// `words`: the name that rinit was started by, and those of the command line.
pub fn run(mut words: impl Iterator<Item = OsString>) -> u8 {
    let program = words.next().unwrap_or_default();
    // First of all: a signal that comes from now on waits until it can be forwarded.
    let mask = match signals::block_all() {
        Ok(mask) => mask,
        Err(why) => {
            log(Level::Quiet, &Message::CannotBlock(why));
            return exit_code::FAILED;
        }
    };
    let inherited = Inherited {
        mask,
        sigchld_ignored: signals::undo_ignored_sigchld(),
    };
    let has_variables = has_variables();
    match cli::parse(&program, words, &variable_lookup(has_variables)) {
        Ok(Request::Run { options, command }) => {
            heed_variables(&options, has_variables);
            run_command(&options, command, &inherited).unwrap_or_else(|status| status)
        }
        Ok(Request::Pause(options)) => {
            heed_variables(&options, has_variables);
            if !this_process::is_pid_1() {
                be_beside_process_1(&options);
            }
            ask_for_parents_death(&options);
            let signals = match signal_reader() {
                Ok(signals) => signals,
                Err(status) => return status,
            };
            let_go();
            descriptors::detach();
            pause::pause(&options, signals)
        }
        Ok(Request::Print(text)) => print(&text),
        Err(error) => {
            if let Some(path) = termination_log_variable() {
                termination_log::redirect(path.into());
            }
            log(Level::Quiet, &Message::Usage(&error));
            exit_code::FAILED
        }
    }
}

/// Before anything else is logged.
fn heed_variables(options: &Options, has_variables: bool) {
    redirect_termination_log(options);
    if has_variables {
        warn_of_variables(options);
    }
}

fn redirect_termination_log(options: &Options) {
    if let Some(path) = &options.termination_log {
        termination_log::redirect(path.clone());
    }
}

fn termination_log_variable() -> Option<OsString> {
    std::env::var_os(TERMINATION_LOG.variable?)
}

/// Of another init's that are malformed, and of those that may be misspelt.
fn warn_of_variables(options: &Options) {
    for warning in &options.warnings {
        log(options.level, &Message::OddVariable(warning));
    }
    let own =
        environment::variables().filter(|variable| variable.to_bytes().starts_with(b"RINIT_"));
    for variable in own {
        let name = variable.to_bytes().split(|byte| *byte == b'=').next();
        let name = OsStr::from_bytes(name.unwrap_or_default());
        if let Some(meant) = cli::variable_meant(name) {
            let name = name.to_owned();
            let warning = VariableWarning::Misspelt { name, meant };
            log(options.level, &Message::OddVariable(&warning));
        }
    }
}

/// Whether an option may be set by a variable. That none is, as nearly everywhere, is seen
/// at once; to look for each of them would take half of rinit's own instructions until
/// COMMAND runs.
fn has_variables() -> bool {
    environment::variables().any(|variable| cli::is_variable(variable.to_bytes()))
}

/// Looks the values of variables up by their names.
fn variable_lookup(has_variables: bool) -> fn(&str) -> Option<OsString> {
    if has_variables {
        |name| std::env::var_os(name)
    } else {
        |_| None
    }
}

/// # Errors
/// rinit's exit status, where COMMAND has not been started.
fn run_command(options: &Options, command: Vec<OsString>, inherited: &Inherited) -> Result<u8, u8> {
    let plan = Plan::new(command);
    let is_pid_1 = this_process::is_pid_1();
    if is_pid_1 {
        start::make_room(options, &plan, inherited)?;
    } else {
        be_beside_process_1(options);
    }
    ask_for_parents_death(options);
    let signals = signal_reader()?;
    let terminal_state = TerminalState::inspect();
    let give_terminal = terminal_state == TerminalState::Foreground;
    let started = start::start(options, plan, inherited, give_terminal)?;

    // From here on nothing may end rinit but the end of its work: what fails is logged at most.
    let_go();
    let given = Given {
        terminal: Terminal::keep(terminal_state, started.pid),
        input_pipe: descriptors::input_pipe(),
    };
    descriptors::detach();
    Ok(supervisor::supervise(
        options, is_pid_1, &started, given, signals,
    ))
}

fn signal_reader() -> Result<SignalReader, u8> {
    SignalReader::new().map_err(|why| {
        log(Level::Quiet, &Message::CannotReadSignals(why));
        exit_code::FAILED
    })
}

/// There is no memory to start COMMAND with.
pub fn end_without_memory() -> ! {
    log(Level::Quiet, &Message::NoMemory);
    this_process::end(exit_code::FAILED)
}

/// There, orphans come to rinit only if it asks for them, and a request to stop may not come at all.
fn be_beside_process_1(options: &Options) {
    if let Err(why) = this_process::become_subreaper() {
        log(options.level, &Message::NoSubreaper(why));
    }
    if let Some(name) = explain::entrypoint::deaf_shell() {
        log(options.level, &Message::OutOfReach(&name));
    }
}

fn ask_for_parents_death(options: &Options) {
    if let Some(signal) = options.parent_death_signal {
        if let Err(why) = this_process::signal_at_parent_death(signal) {
            log(options.level, &Message::NoParentDeathSignal(why));
        }
    }
}

/// Of what could not be unmounted, or would not come to its end, as long as rinit holds it.
fn let_go() {
    this_process::leave_directory();
    descriptors::close_inherited();
}

fn print(text: &str) -> u8 {
    match descriptors::print(text.as_bytes()) {
        Ok(()) => 0,
        Err(why) => {
            log(Level::Quiet, &Message::CannotPrint(why));
            exit_code::FAILED
        }
    }
}
