//! Carries out what the life cycle decides.

use nix::errno::Errno;
use nix::unistd::{Pid, getpgid};

use crate::lifecycle::{Action, Target};
use crate::message::{Message, Names, log};
use crate::options::Level;
use crate::process::Name;
use crate::reaper::Reaper;
use crate::signal::{Signal, Signals};
use crate::sys::procfs;
use crate::sys::{kill, reap, this_process};

/// How many processes a message names.
const NAMED: usize = 5;

pub struct Hands {
    pub reaper: Reaper,
    /// All that COMMAND or its group has been sent.
    pub sent: Signals,
    /// Some child of COMMAND's group may be left. Once it is empty, its number may be another's.
    pub group_left: bool,
    warned_of_permission: bool,
    level: Level,
    pub look_wanted: bool,
}

impl Hands {
    pub fn new(reaper: Reaper, level: Level) -> Self {
        Self {
            reaper,
            sent: Signals::default(),
            group_left: true,
            warned_of_permission: false,
            level,
            look_wanted: false,
        }
    }

    pub fn command(&self) -> Pid {
        self.reaper.command()
    }

    pub fn command_lives(&self) -> bool {
        self.reaper.command_lives()
    }

    pub fn carry_out(&mut self, action: Action) {
        match action {
            Action::Send { signal, to } => self.send(signal, to),
            Action::ContinueIfStopped => {
                if self.command_lives() && reap::stopped_by(self.command()).is_some() {
                    self.send_to_group_and_command(Signal::CONT);
                }
            }
            Action::Look => self.look_wanted = true,
            Action::AnnounceDrain => log(self.level, &Message::Draining),
            Action::NameAwaited => {
                self.name_all(|names| log(self.level, &Message::Awaited(names)));
            }
            Action::NameKilled => {
                self.name_all(|names| log(self.level, &Message::Killed(names)));
            }
        }
    }

    fn send(&mut self, signal: Signal, to: Target) {
        match to {
            Target::Command => self.send_to_command(signal),
            Target::Group => self.send_to_group(signal, |_| false),
            Target::GroupAndCommand => self.send_to_group_and_command(signal),
            Target::Child(pid) => self.check(signal, pid, kill::process(pid, signal)),
            Target::EachChild => match procfs::children() {
                Some(children) => {
                    for pid in children {
                        self.check(signal, pid, kill::process(pid, signal));
                    }
                }
                // Without /proc: who might be a child.
                None if this_process::is_pid_1() => self.send_to_everyone(signal),
                None => self.send_to_group_and_command(signal),
            },
            Target::Everyone => self.send_to_everyone(signal),
        }
    }

    fn send_to_everyone(&mut self, signal: Signal) {
        self.sent.add(signal);
        let everyone = Pid::from_raw(-1);
        self.check(signal, everyone, kill::everyone(signal));
    }

    fn send_to_command(&mut self, signal: Signal) {
        if self.command_lives() {
            self.sent.add(signal);
            let result = self.reaper.signal_command(signal);
            self.check(signal, self.command(), result);
        }
    }

    /// To the group that COMMAND was started in, and to COMMAND if it has left that.
    pub fn send_to_group_and_command(&mut self, signal: Signal) {
        let has_left = |command| getpgid(Some(command)) != Ok(command);
        self.send_to_group(signal, has_left);
    }

    fn send_to_group(&mut self, signal: Signal, has_left: impl FnOnce(Pid) -> bool) {
        self.see_group();
        if !self.group_left {
            return;
        }
        self.sent.add(signal);
        let command = self.command();
        let result = self.reaper.signal_group(signal);
        self.check(signal, command, result);
        if result == Err(Errno::ESRCH) || has_left(command) {
            self.send_to_command(signal);
        }
    }

    pub fn see_group(&mut self) {
        self.group_left &= self.reaper.has_child_in_group();
    }

    /// That somebody is gone is a fact and no failure.
    fn check(&mut self, signal: Signal, pid: Pid, result: Result<(), Errno>) {
        if result == Err(Errno::EPERM) && !self.warned_of_permission {
            self.warned_of_permission = true;
            log(self.level, &Message::MayNotSignal { signal, pid });
        }
    }

    fn name_all(&self, log: impl FnOnce(&Names)) {
        let mut children = procfs::children().unwrap_or_default();
        let is_missing = self.command_lives() && !children.contains(&self.command());
        if is_missing && children.try_reserve(1).is_ok() {
            children.insert(0, self.command());
        }
        let name = |pid: &Pid| (*pid, procfs::name(*pid));
        let named: Vec<(Pid, Name)> = children.iter().take(NAMED).map(name).collect();
        let names = Names {
            named: &named,
            others: children.len().saturating_sub(named.len()),
        };
        log(&names);
    }
}
