//! The terminal, and which process group is in its foreground (tcsetpgrp(3)).
//!
//! SIGTTOU is blocked all the time, so that rinit may move the foreground from
//! the background too. A terminal that is gone or refuses is no error: there
//! is then nothing to move.

use std::io::{stdin, stdout};
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal;
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::sys::{descriptors, inbox};

/// How rinit stands to the terminal on its standard input and output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none, or it is another session's.
    None,
    Background,
    /// Rinit's group is the foreground group.
    Foreground,
}

impl Standing {
    pub fn inspect() -> Self {
        let own_group = getpgrp();
        // A group outside the PID namespace reads as 0, here and in the terminal.
        if own_group == Pid::from_raw(0) {
            return Self::None;
        }
        match (tcgetpgrp(stdin()), tcgetpgrp(stdout())) {
            (Ok(input), Ok(output)) if input == own_group && output == own_group => {
                Self::Foreground
            }
            (Ok(_), Ok(_)) => Self::Background,
            _ => Self::None,
        }
    }
}

/// The terminal that rinit shares with COMMAND's group.
pub struct Terminal {
    file: OwnedFd,
    group: Pid,
    given_away: bool,
}

impl Terminal {
    /// Keeps the terminal on standard input, on a descriptor of its own.
    pub fn keep(standing: Standing, group: Pid) -> Option<Self> {
        if standing == Standing::None {
            return None;
        }
        Some(Self {
            file: descriptors::duplicate(stdin()).ok()?,
            group,
            given_away: standing == Standing::Foreground,
        })
    }

    /// Whether COMMAND's group has been given the foreground.
    pub fn is_given_away(&self) -> bool {
        self.given_away
    }

    /// Whether a key such as Ctrl-C would go to COMMAND's group.
    pub fn foreground_is_command(&self) -> bool {
        self.given_away && tcgetpgrp(&self.file) == Ok(self.group)
    }

    /// Gives COMMAND's group the foreground, if rinit's group has it.
    pub fn give_if_held(&mut self) {
        let own_group = getpgrp();
        if tcgetpgrp(&self.file) == Ok(own_group) {
            self.given_away = tcsetpgrp(&self.file, self.group).is_ok();
        }
    }

    /// Takes the foreground back, if COMMAND's group or an empty one holds it.
    pub fn take_back(&mut self) {
        if !self.given_away {
            return;
        }
        self.given_away = false;
        let Ok(holder) = tcgetpgrp(&self.file) else {
            return;
        };
        if holder == self.group || is_empty(holder) {
            let _ = tcsetpgrp(&self.file, getpgrp());
        }
    }

    /// COMMAND is stopped: stops rinit's group too, for the shell above to
    /// see. Returns once rinit has been continued, or at once where nobody
    /// could do that; tells which.
    pub fn stop_with_command(&mut self) -> bool {
        self.take_back();
        let continued = inbox::stop_own_group();
        self.give_if_held();
        continued
    }
}

fn is_empty(group: Pid) -> bool {
    signal::killpg(group, None) == Err(Errno::ESRCH)
}
