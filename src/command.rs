//! COMMAND and the process group that it leads: the one owner of its pid, of what it has been
//! sent, and of how it is signalled, watched and reaped.

use std::mem;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Pid, getpgid};

use crate::ending::Ending;
use crate::kernel_reaping::KernelReaping;
use crate::lifecycle::Target;
use crate::message::{Message, log};
use crate::options::{ForwardTo, Level};
use crate::process::{Name, State};
use crate::signal::{Signal, Signals};
use crate::sys::pidfd::Pidfd;
use crate::sys::procfs::ScanError;
use crate::sys::signals::SignalReader;
use crate::sys::wait::{self, Reaped};
use crate::sys::{clock, kill, procfs, this_process};
use crate::time::Time;

/// The members of a larger group are not looked at.
pub const MOST_MEMBERS: usize = 1000;

/// How soon a failed scan is repeated.
const RESEND_INTERVAL: Duration = Duration::from_millis(100);

pub struct Command {
    pid: Pid,
    /// Its end has not been seen yet.
    lives: bool,
    /// All that COMMAND or its group has been sent.
    sent: Signals,
    sent_to_group: Signals,
    /// Some child of COMMAND's group may be left. Once it is empty, its number may be another's.
    group_left: bool,
    /// What COMMAND was called when it died, or when the kernel began to reap.
    name: Name,
    kernel_reaping: KernelReaping,
    /// Signals for each child, while the scan for them fails, and when to try again.
    unsent: Signals,
    resend_at: Option<Time>,
    warned_of_permission: bool,
    level: Level,
}

impl Command {
    /// `kernel_may_reap`: nobody is to hear of a child other than COMMAND.
    pub fn new(pid: Pid, kernel_may_reap: bool, level: Level) -> Self {
        Self {
            pid,
            lives: true,
            sent: Signals::default(),
            sent_to_group: Signals::default(),
            group_left: true,
            name: Name::unknown(),
            kernel_reaping: KernelReaping::new(pid, kernel_may_reap),
            unsent: Signals::default(),
            resend_at: None,
            warned_of_permission: false,
            level,
        }
    }

    pub fn pid(&self) -> Pid {
        self.pid
    }

    pub fn lives(&self) -> bool {
        self.lives
    }

    /// The last name that is known.
    pub fn name(&self) -> &Name {
        &self.name
    }

    pub fn has_been_sent(&self, signal: Signal) -> bool {
        self.sent.contains(signal)
    }

    /// To the whole group.
    pub fn group_has_been_sent(&self, signal: Signal) -> bool {
        self.sent_to_group.contains(signal)
    }

    /// Whether that process is COMMAND: once COMMAND is reaped, its pid may be another's.
    pub fn is(&self, pid: Pid) -> bool {
        self.lives && pid == self.pid
    }

    /// To wait beside, while COMMAND lives and the kernel may reap it.
    pub fn watched(&self) -> Option<&Pidfd> {
        self.kernel_reaping.command().filter(|_| self.lives)
    }

    /// From here on, no child's pid comes to mean another process before rinit has reaped it.
    pub fn keep_zombies(&mut self) {
        self.kernel_reaping.end();
    }

    /// Whether a signal is for the whole group, as `forward_to` has it. What handles a signal
    /// leads its own children. What a stop kills leaves orphans, which are asked one by one, and
    /// lead theirs: all but those that ignore it.
    pub fn is_for_group(&self, forward_to: ForwardTo, signal: Signal, is_stop: bool) -> bool {
        let is_for_command = |state: State| {
            let would_die = || is_stop && state.would_die_of(signal);
            state.caught.contains(signal) || would_die() && !self.any_member_ignores(signal)
        };
        match forward_to {
            ForwardTo::Group => true,
            ForwardTo::Command => false,
            ForwardTo::Auto => !(self.lives && procfs::state(self.pid).is_some_and(is_for_command)),
        }
    }

    /// Where not all of the group can be looked at: perhaps.
    fn any_member_ignores(&self, signal: Signal) -> bool {
        let ignores = |pid| procfs::state(pid).is_some_and(|state| state.ignored.contains(signal));
        procfs::members(self.pid, MOST_MEMBERS)
            .is_none_or(|members| members.into_iter().any(ignores))
    }

    /// Reaps a dead child, if there is one. `sees_stops`: of COMMAND more than its end matters.
    pub fn reap_next(
        &mut self,
        signals: &mut SignalReader,
        sees_stops: impl FnOnce() -> bool,
    ) -> Result<Reaped, Errno> {
        if !self.lives {
            return wait::reap_next();
        }
        let reaped = self.kernel_reaping.reap_next(signals, sees_stops);
        if let Ok(Reaped::Child(pid, _)) = reaped {
            if pid == self.pid {
                self.lives = false;
                self.kernel_reaping.end();
            }
        }
        reaped
    }

    /// Whether COMMAND lives, and that child is another one, which the kernel cannot reap.
    pub fn leaves_to_rinit(&self, child: Pid) -> bool {
        self.lives && child != self.pid && !self.kernel_reaping.is_possible()
    }

    /// How COMMAND has ended, if it is dead and not reaped yet.
    pub fn ending_of_zombie(&self) -> Option<Ending> {
        let zombie = self.lives.then(|| wait::ending_of_zombie(self.pid));
        zombie.flatten()
    }

    /// The name goes with the zombie; and while the kernel reaps, there may be no later chance.
    pub fn note_name(&mut self, is_dead: bool) {
        if is_dead || self.kernel_reaping.is_on() {
            self.name = procfs::name(self.pid);
        }
    }

    /// The signal that has stopped COMMAND, if it is stopped.
    pub fn stopped_by(&self) -> Option<Signal> {
        let stopped = self.lives.then(|| wait::stopped_by(self.pid));
        stopped.flatten()
    }

    /// Whether some child of the group may be left.
    pub fn group_left(&mut self) -> bool {
        self.group_left = self.group_left && (self.lives || self.has_child_in_group());
        self.group_left
    }

    /// COMMAND counts as one of its group wherever it has gone: it has not detached.
    pub fn is_member(&self, pid: Pid) -> bool {
        self.group_left && (self.is(pid) || getpgid(Some(pid)) == Ok(self.pid))
    }

    fn has_child_in_group(&self) -> bool {
        let pidfd = self.kernel_reaping.command();
        let is_gone = |pidfd: &Pidfd| pidfd.probe_group() == Err(Errno::ESRCH);
        !pidfd.is_some_and(is_gone) && wait::has_child_in(self.pid)
    }

    pub fn send(&mut self, signal: Signal, to: Target) {
        match to {
            Target::Command => self.send_to_command(signal),
            Target::Group => self.send_to_group(signal, |_| false),
            Target::GroupAndCommand | Target::GroupFiltersLast => {
                let has_left = |command| getpgid(Some(command)) != Ok(command);
                self.send_to_group(signal, has_left);
            }
            Target::Child(pid) => self.check(signal, pid, kill::process(pid, signal)),
            Target::EachChild => match procfs::children() {
                Ok(children) => {
                    for pid in children {
                        self.check(signal, pid, kill::process(pid, signal));
                    }
                }
                Err(ScanError::Failed) => {
                    self.unsent.add(signal);
                    self.resend_at = Some(clock::now().after(RESEND_INTERVAL));
                }
                // Without /proc: who might be a child.
                Err(ScanError::NoProc) if this_process::is_pid_1() => self.send_to_everyone(signal),
                Err(ScanError::NoProc) => self.send(signal, Target::GroupAndCommand),
            },
            Target::Everyone => self.send_to_everyone(signal),
        }
    }

    /// When to call [`Self::resend`].
    pub fn resend_at(&self) -> Option<Time> {
        self.resend_at
    }

    /// Sends anew what could not be sent, because nobody could be seen.
    pub fn resend(&mut self) {
        self.resend_at = None;
        let unsent = mem::take(&mut self.unsent);
        for signal in Signal::all().filter(|signal| unsent.contains(*signal)) {
            self.send(signal, Target::EachChild);
        }
    }

    /// To one member of the group, as a part of sending to all of it.
    pub fn send_to_member(&mut self, signal: Signal, pid: Pid) {
        self.note_sent_to_group(signal);
        self.check(signal, pid, kill::process(pid, signal));
    }

    fn send_to_everyone(&mut self, signal: Signal) {
        self.note_sent_to_group(signal);
        let everyone = Pid::from_raw(-1);
        self.check(signal, everyone, kill::everyone(signal));
    }

    fn send_to_command(&mut self, signal: Signal) {
        if self.lives {
            self.sent.add(signal);
            let result = match self.kernel_reaping.command() {
                Some(pidfd) => pidfd.signal(signal),
                None => kill::process(self.pid, signal),
            };
            self.check(signal, self.pid, result);
        }
    }

    fn send_to_group(&mut self, signal: Signal, has_left: impl FnOnce(Pid) -> bool) {
        if !self.group_left() {
            return;
        }
        self.note_sent_to_group(signal);
        let result = match self.kernel_reaping.command() {
            Some(pidfd) => pidfd.signal_group(signal),
            None => kill::group(self.pid, signal),
        };
        self.check(signal, self.pid, result);
        if result == Err(Errno::ESRCH) || has_left(self.pid) {
            self.send_to_command(signal);
        }
    }

    fn note_sent_to_group(&mut self, signal: Signal) {
        self.sent.add(signal);
        self.sent_to_group.add(signal);
    }

    /// ESRCH is not an error: the target has exited.
    fn check(&mut self, signal: Signal, pid: Pid, result: Result<(), Errno>) {
        if result == Err(Errno::EPERM) && !self.warned_of_permission {
            self.warned_of_permission = true;
            log(self.level, &Message::MayNotSignal { signal, pid });
        }
    }
}
