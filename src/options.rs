//! What the user asked for.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::signal::{Signal, Signals};

/// What the command line and the environment ask for, checked.
#[derive(Debug, Default)]
pub struct Options {
    pub forward_to: ForwardTo,
    /// What asks for a stop beside the usual signals.
    pub stop_signals: Signals,
    pub rewrites: Rewrites,
    /// How long what outlives COMMAND may take, from COMMAND's exit on.
    pub grace: Option<Duration>,
    /// How long everything may take, from the first stop request on.
    pub kill_after: Option<Duration>,
    /// Go on for the daemons that COMMAND left behind.
    pub daemon: bool,
    /// Exit codes that become 0.
    pub expected_exits: ExitCodes,
    /// Exit 0 when COMMAND ended by the stop signal that it was sent.
    pub zero_on_stop: bool,
    pub parent_death_signal: Option<Signal>,
    pub warn_on_reap: bool,
    /// Leave process 1 to an init that insists on being it.
    pub make_room: bool,
    pub level: Level,
    /// What is odd about variables, to be logged.
    pub warnings: Vec<VariableWarning>,
    /// The file where Kubernetes looks for the reason of the container's end, if that is not the usual one;
    /// empty: none.
    pub termination_log: Option<PathBuf>,
}

/// What is odd about a variable, and ignored.
#[derive(Debug)]
pub enum VariableWarning {
    /// Of another init's.
    Malformed { name: &'static str, word: OsString },
    /// It may be meant for rinit's own.
    Misspelt { name: OsString, meant: &'static str },
}

/// Whom signals are forwarded to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum ForwardTo {
    /// COMMAND's process group.
    #[default]
    Group,
    Command,
    /// COMMAND where it handles that signal itself, else its group.
    Auto,
}

/// Names of inits that signal the command alone: whoever swaps such an init loses nothing.
const SIGNAL_COMMAND_ALONE: [&str; 5] = [
    "tini",
    "tini-static",
    "docker-init",
    "catatonit",
    "podman-init",
];

impl ForwardTo {
    /// The default under the name that rinit was started by.
    pub fn default_of(program: &OsStr) -> Self {
        let name = Path::new(program).file_name().unwrap_or_default();
        if SIGNAL_COMMAND_ALONE.iter().any(|init| *init == name) {
            Self::Auto
        } else {
            Self::Group
        }
    }
}

/// How much rinit logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Level {
    /// Nothing but rinit's own errors.
    Quiet,
    /// What is abnormal.
    #[default]
    Normal,
    LifeCycle,
    Signals,
    Reaping,
}

impl Level {
    /// The level of so many `-v`.
    pub fn verbose(times: u8) -> Self {
        match times {
            0 => Self::Normal,
            1 => Self::LifeCycle,
            2 => Self::Signals,
            _ => Self::Reaping,
        }
    }
}

/// Which signal is forwarded for which.
#[derive(Debug, Default)]
pub struct Rewrites(Vec<Rewrite>);

/// Forward `to` when `from` arrives; nothing if there is no `to`.
#[derive(Debug)]
pub struct Rewrite {
    pub from: Signal,
    pub to: Option<Signal>,
}

impl Rewrites {
    /// Of two rules for one signal, the later one holds.
    pub fn add(&mut self, rewrite: Rewrite) {
        self.0.insert(0, rewrite);
    }

    /// What to forward when `signal` arrives: `None` is nothing.
    pub fn apply(&self, signal: Signal) -> Option<Signal> {
        let rule = self.0.iter().find(|rewrite| rewrite.from == signal);
        rule.map_or(Some(signal), |rewrite| rewrite.to)
    }
}

/// A set of exit codes.
#[derive(Debug, Default)]
pub struct ExitCodes(Vec<u8>);

impl ExitCodes {
    pub fn add(&mut self, code: u8) {
        self.0.push(code);
    }

    pub fn contains(&self, code: u8) -> bool {
        self.0.contains(&code)
    }
}
