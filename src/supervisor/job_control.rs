//! Sharing rinit's terminal with COMMAND, as a shell does with a job.

use std::mem;

use nix::unistd::{Pid, getpgid, getpid};

use crate::command::Command;
use crate::lifecycle::Target;
use crate::signal::Signal;
use crate::sys::terminal::Terminal;
use crate::sys::{kill, wait};

pub struct JobControl {
    terminal: Option<Terminal>,
    /// COMMAND, which is stopped, is to be continued, but not before it has been sent what has
    /// arrived until then: it could be stopped anew before that SIGTERM comes, and keep it pending.
    command_goes_on: bool,
    /// COMMAND's group has had its SIGHUP. What ignores that would stop again, and again.
    is_hung_up: bool,
    /// Groups of leftovers that wait for the terminal, which others have.
    waiting: Vec<Pid>,
}

impl JobControl {
    pub fn new(terminal: Option<Terminal>) -> Self {
        Self {
            terminal,
            command_goes_on: false,
            is_hung_up: false,
            waiting: Vec::new(),
        }
    }

    /// Whether there is a terminal still.
    pub fn has_terminal(&self) -> bool {
        self.terminal.as_ref().is_some_and(Terminal::is_there)
    }

    /// Whether a key at the terminal reaches COMMAND's group.
    pub fn foreground_is_command(&self) -> bool {
        let terminal = self.terminal.as_ref();
        terminal.is_some_and(Terminal::foreground_is_command)
    }

    pub fn command_goes_on(&self) -> bool {
        self.command_goes_on
    }

    /// Continues COMMAND where that is due. Returns whether it was.
    pub fn continue_command(&mut self, command: &mut Command) -> bool {
        let is_due = mem::take(&mut self.command_goes_on);
        if is_due {
            command.send(Signal::CONT, Target::GroupAndCommand);
        }
        is_due
    }

    /// A stop has been requested: continues COMMAND's group where COMMAND is stopped. On a
    /// terminal another member may be, since Ctrl-Z stops all that do not handle it, and COMMAND
    /// may wait for that one.
    pub fn continue_group(&self, command: &mut Command) {
        if command.stopped_by().is_some() || self.has_terminal() {
            command.send(Signal::CONT, Target::GroupAndCommand);
        }
    }

    /// rinit was continued by `fg`: the terminal must be COMMAND's before that goes on.
    pub fn go_along(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.go_along();
        }
    }

    /// On a terminal: where COMMAND has stopped, rinit stops too.
    pub fn stop_with_command(&mut self, command: &mut Command) {
        if self.command_goes_on {
            return;
        }
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        let Some(signal) = command.stopped_by() else {
            return;
        };
        // Without one, it is for whoever has stopped COMMAND to continue it.
        if !terminal.is_there() {
            return;
        }
        // It wants to use the terminal from the background, but rinit's group has the
        // foreground: in a pipeline, or since `fg`, which no signal announces while a job runs.
        let wants_terminal = matches!(signal, Signal::TTIN | Signal::TTOU);
        if (wants_terminal && terminal.give_if_held()) || terminal.stop_with_command() {
            self.command_goes_on = true;
            return;
        }
        let terminal_is_others = terminal.is_others();
        // Nobody can continue rinit, and so nobody would continue COMMAND: without an init, too,
        // Ctrl-Z does nothing there, nor could process 1 stop itself.
        self.command_goes_on = match signal {
            Signal::TSTP => true,
            Signal::STOP => getpid() == Pid::from_raw(1),
            // Without the terminal it would just stop again, and again.
            _ => terminal.give_if_held() || terminal.foreground_is_command(),
        };
        let is_orphaned = wants_terminal && !self.command_goes_on && terminal_is_others;
        if is_orphaned && !mem::replace(&mut self.is_hung_up, true) {
            // What the kernel does to an orphaned group in the background: it would never get
            // the terminal.
            command.send(Signal::HUP, Target::Group);
            self.command_goes_on = true;
        }
    }

    /// COMMAND's group is gone.
    pub fn take_terminal_back(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.take_back();
        }
    }

    /// What outlives COMMAND has no shell above that could continue it, whereas
    /// Ctrl-Z would stop it for good; and an editor that restores the terminal
    /// stops for want of it.
    ///
    /// Sees to a batch of them. Returns whether that were all.
    pub fn continue_stopped(&mut self, batch: usize) -> bool {
        self.continue_waiting();
        for _ in 0..batch {
            let Some((pid, signal)) = wait::next_stopped() else {
                return true;
            };
            let Ok(group) = getpgid(Some(pid)) else {
                continue;
            };
            let goes_on = match signal {
                // The key has stopped its whole group.
                Signal::TSTP => true,
                Signal::TTIN | Signal::TTOU => self.give_terminal(group),
                _ => false,
            };
            if goes_on {
                let _ = kill::group(group, Signal::CONT);
            }
        }
        // Those that stop themselves again and again have no end.
        false
    }

    /// Gives it to a group of leftovers, at once or when it is free. Returns whether at once.
    fn give_terminal(&mut self, group: Pid) -> bool {
        let Some(terminal) = &mut self.terminal else {
            return false;
        };
        let is_given = terminal.give_to(group);
        let is_news = !is_given && !self.waiting.contains(&group);
        if is_news && self.waiting.try_reserve(1).is_ok() {
            self.waiting.push(group);
        }
        is_given
    }

    fn continue_waiting(&mut self) {
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        while let Some(group) = self.waiting.last().copied() {
            let is_left = wait::has_child_in(group);
            if is_left && !terminal.give_to(group) {
                return;
            }
            self.waiting.pop();
            if is_left {
                let _ = kill::group(group, Signal::CONT);
            }
        }
    }
}
