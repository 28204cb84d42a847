//! Reaping by the kernel, without waking rinit up.
//!
//! While rinit ignores SIGCHLD, the kernel reaps each child by itself. That
//! COMMAND has ended, and how, its pidfd then shows. Whether the kernel can
//! do that (Linux 6.15 and later) it cannot be asked, only tried:
//!
//! ```text
//! Untried ──first orphan: wait(2) and its pidfd agree──> the kernel reaps
//!    │ they do not, or there is no pidfd                       │
//!    │ stop request                                            │ stop request, COMMAND's end
//!    v                                                         v
//! rinit reaps <────────────────────────────────────────────────┘
//! ```

use std::mem;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::ending::Ending;
use crate::sys::pidfd::Pidfd;
use crate::sys::signals::{self, SignalReader};
use crate::sys::wait::{self, Reaped};

pub struct KernelReaping {
    command: Pid,
    /// The kernel may be tried, if the caller agrees.
    untried: bool,
    watch: Option<Watch>,
}

/// Once the kernel has reaped, COMMAND may be gone at any time, and its number another's.
struct Watch {
    command: Pidfd,
    is_on: bool,
}

impl KernelReaping {
    /// `may_be_tried`: nobody is to hear of a child other than COMMAND.
    pub fn new(command: Pid, may_be_tried: bool) -> Self {
        Self {
            command,
            untried: may_be_tried,
            watch: None,
        }
    }

    /// Who dies, COMMAND too, leaves no zombie.
    pub fn is_on(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_on)
    }

    /// The kernel reaps, has reaped or is still to be tried.
    pub fn is_possible(&self) -> bool {
        self.untried || self.watch.is_some()
    }

    /// COMMAND's pidfd, where there is one: unlike its pid it never means another process.
    pub fn command(&self) -> Option<&Pidfd> {
        self.watch.as_ref().map(|watch| &watch.command)
    }

    /// Reaps a dead child while COMMAND lives, if there is one. `sees_stops`: of COMMAND more
    /// than its end matters.
    pub fn reap_next(
        &mut self,
        signals: &mut SignalReader,
        sees_stops: impl FnOnce() -> bool,
    ) -> Result<Reaped, Errno> {
        if self.untried {
            return self.try_on_first_orphan(signals, sees_stops);
        }
        let Some(watch) = &self.watch else {
            return wait::reap_next();
        };
        match watch.ending_of_command() {
            Ok(Some(ending)) => Ok(Reaped::Child(self.command, ending)),
            Ok(None) => match wait::reap_next() {
                // The kernel is just reaping COMMAND: the pidfd will show it in an instant.
                Ok(Reaped::NoneLeft) => Ok(Reaped::NoneDead),
                // Who died before the kernel reaped, or since rinit does again.
                reaped => reaped,
            },
            // It has shown another's, but refuses now.
            Err(_) => {
                self.end();
                self.watch = None;
                wait::reap_next()
            }
        }
    }

    /// From here on rinit reaps.
    pub fn end(&mut self) {
        self.untried = false;
        if let Some(watch) = &mut self.watch {
            if mem::take(&mut watch.is_on) {
                // Before the next wait(2): in the other order, who dies in between is reaped by the
                // kernel, and no signal announces it.
                signals::heed_sigchld();
            }
        }
    }

    /// Reaps a child as ever, and leaves the others to the kernel if that one's pidfd agrees.
    fn try_on_first_orphan(
        &mut self,
        signals: &mut SignalReader,
        sees_stops: impl FnOnce() -> bool,
    ) -> Result<Reaped, Errno> {
        let orphan = match wait::next_dead() {
            // Who dies from here on is to be seen before it is reaped: there may be no other.
            Ok(None) => return Ok(Reaped::NoneDead),
            dead => dead.ok().flatten().filter(|pid| *pid != self.command),
        };
        if orphan.is_some() && sees_stops() {
            self.untried = false;
            return wait::reap_next();
        }
        let pidfd = orphan.map(Pidfd::open);
        let reaped = wait::reap_next();
        if let (Some(pidfd), Ok(Reaped::Child(pid, ending))) = (pidfd, &reaped) {
            // Another one may have died since.
            if orphan == Some(*pid) {
                self.untried = false;
                let shown = pidfd.and_then(|pidfd| pidfd.ending());
                if shown == Ok(Some(*ending)) {
                    self.watch = Watch::begin(self.command, signals).ok();
                }
            }
        }
        reaped
    }
}

impl Watch {
    /// Leaves the reaping to the kernel, if COMMAND can be watched and signalled without its pid.
    ///
    /// Everything that can be refused comes before the kernel reaps. Who has died until then is
    /// still to be reaped by wait(2).
    fn begin(command: Pid, signals: &mut SignalReader) -> Result<Self, Errno> {
        let command = Pidfd::open(command)?;
        match command.probe_group() {
            // COMMAND may have left the group that it was started in.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => return Err(error),
        }
        signals.prepare_to_wait_beside(&command)?;
        signals::ignore_sigchld()?;
        Ok(Self {
            command,
            is_on: true,
        })
    }

    fn ending_of_command(&self) -> Result<Option<Ending>, Errno> {
        // Nobody else could know: worth a second question.
        self.command.ending().or_else(|_| self.command.ending())
    }
}
