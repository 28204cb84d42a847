//! Whose endings make the exit status.

use nix::unistd::Pid;

use super::pid_set::PidSet;
use super::stop_requests::StopRequests;
use crate::ending::Ending;
use crate::exit_code;
use crate::options::Options;
use crate::process::Zombie;
use crate::signal::Signal;
use crate::time::Time;

#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct Endings<'a> {
    options: &'a Options,
    command: Option<Ending>,
    daemons: Daemons,
    /// Who was found dead with COMMAND was no daemon.
    only_daemons_are_left: bool,
    /// The latest of the endings that make the status was an answer to a stop
    /// request, which no later one makes it.
    ended_as_asked: bool,
}

/// What COMMAND left behind with `--daemon`.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, Hash))]
struct Daemons {
    /// When COMMAND ended: whoever is born later, and in no session of theirs, entered from outside.
    born_until: Time,
    sessions: PidSet,
    /// The first that was no success.
    failed: Option<Ending>,
}

impl<'a> Endings<'a> {
    pub fn new(options: &'a Options) -> Self {
        Self {
            options,
            command: None,
            daemons: Daemons::default(),
            only_daemons_are_left: false,
            ended_as_asked: false,
        }
    }

    pub fn command_ended(&mut self, ending: Ending, now: Time, requests: &StopRequests) {
        self.command = Some(ending);
        self.daemons.born_until = now;
        self.ended_as_asked = answers(ending, requests);
    }

    pub fn command_has_ended(&self) -> bool {
        self.command.is_some()
    }

    pub fn command_was_killed_by(&self, signal: Signal) -> bool {
        matches!(self.command, Some(Ending::Killed { by, .. }) if by == signal)
    }

    /// COMMAND has left the work to its daemons.
    pub fn runs_daemons(&self) -> bool {
        self.options.daemon && self.command == Some(Ending::Exited(0))
    }

    /// The dead have been reaped.
    pub fn reaped(&mut self) {
        self.only_daemons_are_left = self.command_has_ended();
    }

    /// Another child is dead.
    pub fn child_ended(
        &mut self,
        pid: Pid,
        ending: Ending,
        zombie: Option<Zombie>,
        requests: &StopRequests,
    ) {
        if self.runs_daemons()
            && self.only_daemons_are_left
            && self.daemons.count(pid, zombie)
            && self.daemons.failed.is_none()
            && ending != Ending::Exited(0)
        {
            self.daemons.failed = Some(ending);
            self.ended_as_asked = answers(ending, requests);
        }
    }

    /// The exit status. `was_killed`: by rinit, after `--kill-after`.
    pub fn status(&self, was_killed: bool) -> u8 {
        let Some(command) = self.command else {
            // Not even SIGKILL has ended it, or its end was never seen.
            return if was_killed {
                exit_code::SIGNAL_BASE.saturating_add(Signal::KILL.number())
            } else {
                exit_code::FAILED
            };
        };
        if self.options.zero_on_stop && self.ended_as_asked {
            return 0;
        }
        let status = self.daemons.failed.unwrap_or(command).status();
        if self.options.expected_exits.contains(status) {
            return 0;
        }
        status
    }
}

impl Daemons {
    fn count(&mut self, pid: Pid, zombie: Option<Zombie>) -> bool {
        let Some(zombie) = zombie else { return true };
        let is_one =
            zombie.started_at <= self.born_until.tick() || self.sessions.contains(zombie.session);
        if is_one && zombie.session == pid {
            // What it has forked in that session is one, too: it was on its way.
            self.sessions.insert(pid);
        }
        is_one
    }
}

fn answers(ending: Ending, requests: &StopRequests) -> bool {
    requests
        .forwarded()
        .any(|signal| ending.is_answer_to(signal))
}
