//! What the life cycle is given of a signal, and what it decides.

use nix::unistd::Pid;

use crate::signal::Signal;
use crate::time::Time;

/// What the supervisor is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Send {
        signal: Signal,
        to: Target,
    },
    /// SIGCONT to COMMAND's group, if COMMAND is stopped, or one of its group may be.
    ContinueIfStopped,
    AnnounceDrain,
    /// Explain what is waited for, and why.
    ExplainWait(Requested),
    /// Name what is about to be killed.
    NameKilled(Requested),
}

/// What was asked of COMMAND last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Requested {
    pub signal: Signal,
    /// `None`: nobody asked.
    pub at: Option<Time>,
    pub to_group: bool,
}

/// Who gets a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(test, derive(Hash))]
pub enum Target {
    Command,
    /// COMMAND's process group, or COMMAND where that group is gone.
    Group,
    /// COMMAND's process group, log filters last, and COMMAND wherever it is.
    GroupFiltersLast,
    /// COMMAND's process group, and COMMAND wherever it is. To see where costs
    /// a system call, which only a signal that must not be missed is worth.
    GroupAndCommand,
    Child(Pid),
    EachChild,
    /// Every process in the PID namespace.
    Everyone,
}

impl Target {
    /// As many as one call can reach at once, so that none of them forks meanwhile.
    pub fn as_many_as_can_be(is_pid_1: bool) -> Self {
        if is_pid_1 {
            Self::Everyone
        } else {
            Self::GroupAndCommand
        }
    }
}

/// What the supervisor is to do once it has carried out the actions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Next {
    Wait,
    /// Scan for children, and report them by [`super::Lifecycle::scanned`].
    Scan,
}

/// A signal that has arrived, and what becomes of it.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Arrived {
    pub signal: Signal,
    /// `None`: it is dropped.
    pub forwarded: Option<Signal>,
    /// It goes to COMMAND's whole group while COMMAND runs.
    pub to_group: bool,
}

/// How much a scan is to find out about a child.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Details {
    pub start_info: bool,
    pub input: bool,
}

/// Forwards a signal while COMMAND runs. `is_stop`: it asks for a stop.
pub fn send_to_command(arrived: Arrived, is_stop: bool, act: &mut dyn FnMut(Action)) {
    let Some(signal) = arrived.forwarded else {
        return;
    };
    let to = match (arrived.to_group, is_stop) {
        (false, _) => Target::Command,
        (true, false) => Target::Group,
        (true, true) => Target::GroupFiltersLast,
    };
    act(Action::Send { signal, to });
    if is_stop {
        act(Action::ContinueIfStopped);
    }
}

pub fn send_to_each_child(signal: Option<Signal>, act: &mut dyn FnMut(Action)) {
    if let Some(signal) = signal {
        let to = Target::EachChild;
        act(Action::Send { signal, to });
    }
}

/// A stopped process acts on nothing before it is continued.
pub fn send_and_continue(signal: Signal, to: Target, act: &mut dyn FnMut(Action)) {
    act(Action::Send { signal, to });
    go_on(to, act);
}

pub fn go_on(to: Target, act: &mut dyn FnMut(Action)) {
    let signal = Signal::CONT;
    act(Action::Send { signal, to });
}
