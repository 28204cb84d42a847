//! Who reaps: rinit, by wait(2), or the kernel, without waking rinit up.
//!
//! While rinit ignores SIGCHLD, the kernel reaps each child by itself. That
//! COMMAND has ended, and how, its pidfd then tells. Whether the kernel can
//! tell that (Linux 6.15 and later) it cannot be asked, only tried:
//!
//! ```text
//! Unproven ──first orphan: wait(2) and its pidfd agree──> the kernel reaps
//!    │ they do not, or there is no pidfd                       │
//!    │ stop request                                            │ stop request, COMMAND's end
//!    v                                                         v
//! rinit reaps <────────────────────────────────────────────────┘
//! ```

use std::mem;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::ending::Ending;
use crate::signal::Signal;
use crate::sys::kill;
use crate::sys::pidfd::Pidfd;
use crate::sys::reap::{self, Reaped};
use crate::sys::signals::{self, SignalFd, Wake};

pub struct Reaper {
    command: Pid,
    command_lives: bool,
    /// The kernel may be tried, if the caller agrees.
    unproven: bool,
    watch: Option<Watch>,
}

/// Once the kernel has reaped, COMMAND may be gone at any time, and its number another's.
struct Watch {
    command: Pidfd,
    signal_fd: SignalFd,
    kernel_reaps: bool,
}

impl Reaper {
    /// `may_leave_it`: nobody is to hear of a child other than COMMAND.
    pub fn new(command: Pid, may_leave_it: bool) -> Self {
        Self {
            command,
            command_lives: true,
            unproven: may_leave_it,
            watch: None,
        }
    }

    pub fn command(&self) -> Pid {
        self.command
    }

    /// COMMAND's end has not been told yet.
    pub fn command_lives(&self) -> bool {
        self.command_lives
    }

    /// Who dies, COMMAND too, leaves no zombie.
    pub fn kernel_reaps(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.kernel_reaps)
    }

    /// Waits for a signal or for COMMAND's end, at most for `limit`.
    pub fn wait(&self, limit: Option<Duration>) -> Result<Wake, Errno> {
        match self.watched() {
            Some(watch) => watch.signal_fd.wait_beside(&watch.command, limit),
            None => signals::wait(limit),
        }
    }

    /// Reaps a dead child, if there is one. `sees_stops`: of COMMAND more than its end is to be heard.
    pub fn next(&mut self, sees_stops: impl FnOnce() -> bool) -> Result<Reaped, Errno> {
        let reaped = if self.unproven {
            self.try_kernel(sees_stops)
        } else if let Some(watch) = self.watched() {
            let told = watch.told_ending();
            self.next_watched(told)
        } else {
            reap::next()
        };
        if let Ok(Reaped::Child(pid, _)) = reaped {
            if self.command_lives && pid == self.command {
                self.command_lives = false;
                self.take_over();
            }
        }
        reaped
    }

    /// From here on rinit reaps.
    pub fn take_over(&mut self) {
        self.unproven = false;
        if let Some(watch) = &mut self.watch {
            if mem::take(&mut watch.kernel_reaps) {
                // Before the next wait(2): in the other order, who dies in between is reaped by the
                // kernel, and no signal tells of it.
                signals::heed_sigchld();
            }
        }
    }

    pub fn signal_command(&self, signal: Signal) -> Result<(), Errno> {
        match &self.watch {
            Some(watch) => watch.command.signal(signal),
            None => kill::process(self.command, signal),
        }
    }

    /// To the group that COMMAND was started in.
    pub fn signal_group(&self, signal: Signal) -> Result<(), Errno> {
        match &self.watch {
            Some(watch) => watch.command.signal_group(signal),
            None => kill::group(self.command, signal),
        }
    }

    /// Whether a child is left in that group, if one was left before.
    pub fn has_child_in_group(&self) -> bool {
        let is_gone = |watch: &Watch| watch.command.probe_group() == Err(Errno::ESRCH);
        self.command_lives
            || !self.watch.as_ref().is_some_and(is_gone) && reap::has_child_in(self.command)
    }

    fn watched(&self) -> Option<&Watch> {
        self.watch.as_ref().filter(|_| self.command_lives)
    }

    /// Reaps a child as ever, and leaves the others to the kernel if it tells of that one the same.
    fn try_kernel(&mut self, sees_stops: impl FnOnce() -> bool) -> Result<Reaped, Errno> {
        let orphan = reap::peek().filter(|pid| *pid != self.command);
        if orphan.is_some() && sees_stops() {
            self.unproven = false;
            return reap::next();
        }
        let pidfd = orphan.map(Pidfd::open);
        let reaped = reap::next();
        if let (Some(pidfd), Ok(Reaped::Child(pid, ending))) = (pidfd, &reaped) {
            // Another one may have died since.
            if orphan == Some(*pid) {
                self.unproven = false;
                let told = pidfd.and_then(|pidfd| pidfd.ending());
                if told == Ok(Some(*ending)) {
                    self.watch = Watch::begin(self.command).ok();
                }
            }
        }
        reaped
    }

    /// `told`: what COMMAND's pidfd tells of its end.
    fn next_watched(&mut self, told: Result<Option<Ending>, Errno>) -> Result<Reaped, Errno> {
        match told {
            Ok(Some(ending)) => Ok(Reaped::Child(self.command, ending)),
            Ok(None) => match reap::next() {
                // The kernel is just reaping COMMAND: the pidfd will tell in an instant.
                Ok(Reaped::NoneLeft) => Ok(Reaped::NoneDead),
                // Who died before the kernel reaped, or since rinit does again.
                reaped => reaped,
            },
            // It has told of another, but refuses now.
            Err(_) => {
                self.take_over();
                self.watch = None;
                reap::next()
            }
        }
    }
}

impl Watch {
    /// Leaves the reaping to the kernel, if COMMAND can be seen and signalled without its number.
    ///
    /// Everything that can be refused comes before the kernel reaps. Who has died until then is
    /// still to be reaped by wait(2).
    fn begin(command: Pid) -> Result<Self, Errno> {
        let pidfd = Pidfd::open(command)?;
        match pidfd.probe_group() {
            // COMMAND may have left the group that it was started in.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error),
        }
        let signal_fd = SignalFd::new()?;
        signal_fd.look_beside(&pidfd, Some(Duration::ZERO))?;
        signals::ignore_sigchld()?;
        Ok(Self {
            command: pidfd,
            signal_fd,
            kernel_reaps: true,
        })
    }

    fn told_ending(&self) -> Result<Option<Ending>, Errno> {
        // Nobody else could tell: worth a second question.
        self.command.ending().or_else(|_| self.command.ending())
    }
}
