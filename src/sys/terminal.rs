//! The terminal, and which process group is in its foreground (tcsetpgrp(3)).
//!
//! SIGTTOU is blocked all the time, so that rinit may move the foreground from
//! the background too. A terminal that is gone or refuses is no error: there
//! is then nothing to move.

use std::cell::OnceCell;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal;
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::sys::descriptors::{self, INPUT, OUTPUT};
use crate::sys::signals;

/// The state of the terminal of rinit's session, as rinit finds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TerminalState {
    /// There is none that could be moved.
    None,
    /// It is not both standard input and output: others may be using it, as in a pipeline.
    Apart,
    Background,
    /// Rinit's group is the foreground group.
    Foreground,
}

impl TerminalState {
    pub fn inspect() -> Self {
        let own_group = getpgrp();
        // A group outside the PID namespace reads as 0, here and in the terminal.
        if own_group == Pid::from_raw(0) {
            return Self::None;
        }
        let holders = tcgetpgrp(INPUT).and_then(|input| Ok([input, tcgetpgrp(OUTPUT)?]));
        match holders {
            Ok(holders) if holders == [own_group; 2] => Self::Foreground,
            Ok(_) => Self::Background,
            Err(_) => Self::Apart,
        }
    }
}

/// The terminal that rinit shares with COMMAND's group.
pub struct Terminal {
    /// Set once it has been looked for.
    file: OnceCell<Option<OwnedFd>>,
    group: Pid,
    /// COMMAND's group is to have it whenever rinit's would, not only when it
    /// cannot go on without.
    goes_along: bool,
    given_away: bool,
    /// It has never been rinit's to give.
    is_others: bool,
}

impl Terminal {
    /// Keeps the terminal, on a descriptor of its own.
    pub fn keep(state: TerminalState, group: Pid) -> Option<Self> {
        let file = match state {
            TerminalState::None => return None,
            TerminalState::Apart => OnceCell::new(),
            TerminalState::Background | TerminalState::Foreground => {
                OnceCell::from(descriptors::duplicate(INPUT).ok())
            }
        };
        Some(Self {
            file,
            group,
            goes_along: state != TerminalState::Apart,
            given_away: state == TerminalState::Foreground,
            is_others: state != TerminalState::Foreground,
        })
    }

    pub fn is_there(&self) -> bool {
        self.file().is_some()
    }

    /// Apart from standard input and output it is the controlling one, which
    /// few sessions of containers have: it is looked for when it matters.
    fn file(&self) -> Option<&OwnedFd> {
        let controlling = || {
            let file = descriptors::terminal().ok()?;
            // Whatever an image has put at /dev/tty.
            tcgetpgrp(&file).is_ok().then_some(file)
        };
        self.file.get_or_init(controlling).as_ref()
    }

    fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(self.file()?).ok()
    }

    fn set_foreground(&self, group: Pid) -> bool {
        self.file()
            .is_some_and(|file| tcsetpgrp(file, group).is_ok())
    }

    /// Whether a key such as Ctrl-C would go to COMMAND's group.
    pub fn foreground_is_command(&self) -> bool {
        self.given_away && self.foreground() == Some(self.group)
    }

    /// Gives COMMAND's group the foreground, if rinit's group has it. Returns
    /// whether it had.
    pub fn give_if_held(&mut self) -> bool {
        let held = self.foreground() == Some(getpgrp()) && self.set_foreground(self.group);
        self.given_away |= held;
        self.is_others &= !held;
        held
    }

    /// Whether others, of whom rinit knows nothing, have always held it.
    pub fn is_others(&self) -> bool {
        self.is_others
    }

    /// Gives a group of leftovers the foreground, if nobody else wants it.
    pub fn give_to(&mut self, group: Pid) -> bool {
        let Some(holder) = self.foreground() else {
            return false;
        };
        let is_free = holder == getpgrp() || holder == self.group || is_empty(holder);
        let given = holder == group || is_free && self.set_foreground(group);
        self.given_away |= given;
        given
    }

    /// Rinit has been continued: `fg` made its group the foreground group, `bg` did not.
    pub fn go_along(&mut self) {
        if self.goes_along {
            self.give_if_held();
        }
    }

    /// Takes the foreground back, if COMMAND's group or an empty one holds it.
    pub fn take_back(&mut self) {
        if !self.given_away {
            return;
        }
        let Some(holder) = self.foreground() else {
            return;
        };
        if holder == self.group || is_empty(holder) {
            self.given_away = !self.set_foreground(getpgrp());
        }
    }

    /// COMMAND is stopped: stops rinit's group too, for the shell above to
    /// see. Returns true once rinit has been continued, and false at once where
    /// nobody could do that.
    pub fn stop_with_command(&mut self) -> bool {
        self.take_back();
        let continued = signals::stop_own_group();
        self.go_along();
        continued
    }
}

fn is_empty(group: Pid) -> bool {
    signal::killpg(group, None) == Err(Errno::ESRCH)
}
