//! When to do what: the life of COMMAND and of what outlives it.
//!
//! Pure: events come in with their time, actions go out, and no system call is
//! made here. The supervisor carries the actions out.
//!
//! ```text
//! Running ──COMMAND ends──> Draining ──deadline──> Killing
//!    │                         ^                      │
//!    │                    stop request                │
//!    │                         │        nothing left, or waited in vain
//!    └──exit 0, --daemon──> Serving                   │
//!                                                     v
//!             nothing left, in any phase ──────────> Over
//!             --kill-after, in the first three ────> Killing
//! ```

mod pid_set;
#[cfg(test)]
mod properties;
mod stop_requests;

use std::time::Duration;

use nix::unistd::Pid;

use crate::ending::Ending;
use crate::exit_code;
use crate::options::Options;
use crate::process::Child;
use crate::signal::Signal;
use pid_set::PidSet;
use stop_requests::{StopRequests, is_stop_request, starts_clock};

/// Time since boot: CLOCK_BOOTTIME, the clock of the start times in /proc.
pub type Time = Duration;

/// How long what is left may take when nobody asked for the end.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// How long those outside COMMAND's group wait for their turn.
const OTHERS_WAIT: Duration = Duration::from_secs(5);
/// How often to look, at least: an orphan comes without a signal.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Looking costs about a microsecond a child (/proc/thread-self/children); a
/// pause of several times that bounds what a storm of deaths makes it cost.
const LOOK_PAUSE_PER_CHILD: Duration = Duration::from_micros(5);
/// A wait longer than this is explained.
const SILENT_WAIT: Duration = Duration::from_secs(1);
/// How long the killed may take to die. Who takes longer is stuck in the kernel.
const DEATH_WAIT: Duration = Duration::from_secs(2);

/// What the supervisor is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    Send {
        signal: Signal,
        to: Target,
    },
    /// SIGCONT to COMMAND's group, if COMMAND is stopped.
    ContinueIfStopped,
    /// Look for children, and report them by [`Lifecycle::looked`].
    Look,
    /// Say that what is left is asked to finish.
    AnnounceDrain,
    /// Say what is waited for.
    NameAwaited,
    /// Say what is about to be killed.
    NameKilled,
}

/// Who gets a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    Command,
    /// COMMAND's process group, or COMMAND where that group is gone.
    Group,
    /// COMMAND's process group, and COMMAND wherever it is. To see where costs
    /// a system call, which only a signal that must not be missed is worth.
    GroupAndCommand,
    Child(Pid),
    EachChild,
    /// Every process in the PID namespace.
    Everyone,
}

struct Drain {
    /// What tells a child to finish.
    signal: Signal,
    /// SIGTERM, whatever is forwarded for it, is no news to who has been told.
    term_is_known: bool,
    others_turn_at: Time,
    deadline: Option<Time>,
    name_at: Option<Time>,
    look_at: Time,
    /// Not before this, however many die meanwhile.
    look_not_before: Time,
    /// Without /proc, everybody is told once.
    told_blindly: bool,
}

enum Phase {
    Running,
    /// The daemons are the work now.
    Serving,
    Draining(Drain),
    Killing {
        give_up_at: Time,
        look_at: Time,
    },
    Over,
}

pub struct Lifecycle<'a> {
    options: &'a Options,
    /// PID 1 of a PID namespace may signal everybody in it at once.
    is_pid_1: bool,
    phase: Phase,
    stop_requests: StopRequests,
    /// When `--kill-after` is over.
    kill_at: Option<Time>,
    command_ended: Option<Ending>,
    /// The first daemon's that was no success.
    daemon_failed: Option<Ending>,
    /// The latest of these two endings was an answer to a stop request, which
    /// no later one makes it.
    ended_as_asked: bool,
    /// Who has been told to finish.
    told: PidSet,
    /// Who was rinit's child already when a stop request came, outside COMMAND's group.
    detached: PidSet,
}

impl<'a> Lifecycle<'a> {
    pub fn new(options: &'a Options, is_pid_1: bool) -> Self {
        Self {
            options,
            is_pid_1,
            phase: Phase::Running,
            stop_requests: StopRequests::default(),
            kill_at: None,
            command_ended: None,
            daemon_failed: None,
            ended_as_asked: false,
            told: PidSet::default(),
            detached: PidSet::default(),
        }
    }

    /// Whether to look for children, for [`Self::found_before_stop`], before
    /// that signal is said to have arrived.
    pub fn needs_look_before(&self, received: Signal) -> bool {
        matches!(self.phase, Phase::Running) && is_stop_request(received)
    }

    /// Who is outside COMMAND's group before COMMAND hears of a stop request
    /// has detached on its own, such as a log daemon, and is told last. In the
    /// other order, what COMMAND leaves behind when it dies at once would
    /// count as detached too.
    pub fn found_before_stop(&mut self, children: &[Child]) {
        for child in children.iter().filter(|child| !child.in_group) {
            self.detached.insert(child.pid);
        }
    }

    /// A signal has arrived. What time it is is asked before anything goes
    /// out: who was born before, has been told.
    pub fn signal_arrived(
        &mut self,
        now: impl FnOnce() -> Time,
        received: Signal,
        act: &mut dyn FnMut(Action),
    ) {
        let forwarded = self.options.rewrites.apply(received);
        let stop_requested_at = is_stop_request(received).then(now);
        if let Some(now) = stop_requested_at {
            self.note_stop_request(now, received, forwarded);
        }
        let Some(signal) = forwarded else { return };
        let is_term = received == Signal::TERM;
        match (&mut self.phase, stop_requested_at) {
            (Phase::Running, _) => {
                let to = if self.options.single_child {
                    Target::Command
                } else if stop_requested_at.is_some() {
                    Target::GroupAndCommand
                } else {
                    Target::Group
                };
                act(Action::Send { signal, to });
                if stop_requested_at.is_some() {
                    act(Action::ContinueIfStopped);
                }
            }
            (Phase::Serving, Some(now)) => self.stop_daemons(now, signal, act),
            // Whoever has not been told is told when the look finds that it is their turn.
            (Phase::Draining(drain), _)
                if signal == drain.signal || is_term && drain.term_is_known =>
            {
                act(Action::Look);
            }
            (phase @ (Phase::Serving | Phase::Draining(_)), _) => {
                if let Phase::Draining(drain) = phase {
                    drain.term_is_known |= is_term;
                }
                let to = Target::EachChild;
                act(Action::Send { signal, to });
            }
            (Phase::Killing { .. } | Phase::Over, _) => {}
        }
    }

    /// COMMAND was ended by the very signal that a key at the terminal sends
    /// to the whole foreground group, which COMMAND's group was: that group
    /// has been told, though not by rinit.
    pub fn typed_at_terminal(&mut self, now: Time, signal: Signal) {
        self.stop_requests.note(now, signal, Some(signal), true);
    }

    /// COMMAND is dead.
    pub fn command_ended(&mut self, ending: Ending) {
        self.command_ended = Some(ending);
        self.ended_as_asked = self.answers_stop_request(ending);
    }

    /// Another child is dead.
    pub fn child_ended(&mut self, pid: Pid, ending: Ending) {
        self.told.remove(pid);
        self.detached.remove(pid);
        if self.serves_daemons() && self.daemon_failed.is_none() && ending != Ending::Exited(0) {
            self.daemon_failed = Some(ending);
            self.ended_as_asked = self.answers_stop_request(ending);
        }
    }

    fn answers_stop_request(&self, ending: Ending) -> bool {
        let mut forwarded = self.stop_requests.forwarded();
        forwarded.any(|signal| ending.is_answer_to(signal))
    }

    /// All the dead have been reaped, and no child is left. What time it is
    /// is only asked where that matters.
    pub fn nothing_left(&mut self, now: impl FnOnce() -> Time) {
        if matches!(self.phase, Phase::Running) && self.stop_requests.any() {
            self.stop_requests.command_ended(now());
        }
        self.phase = Phase::Over;
    }

    /// The dead have been reaped, or as many of them as make a batch, and
    /// children are left.
    pub fn reaped(&mut self, now: impl FnOnce() -> Time, act: &mut dyn FnMut(Action)) {
        match &mut self.phase {
            Phase::Running => {
                if self.command_ended.is_some() {
                    self.go_on_without_command(now(), act);
                }
            }
            Phase::Draining(drain) if now() < drain.look_not_before => {
                drain.look_at = drain.look_not_before;
            }
            Phase::Draining(_) | Phase::Killing { .. } => act(Action::Look),
            Phase::Serving | Phase::Over => {}
        }
    }

    /// Whether a look should read the start info of that child of COMMAND's group.
    pub fn needs_start_info(&self, pid: Pid) -> bool {
        matches!(self.phase, Phase::Draining(_))
            && self.stop_requests.has_reached_group()
            && !self.told.contains(pid)
    }

    /// A look has found these children. `group_left`: some child of COMMAND's
    /// group is left, perhaps one that the look missed.
    pub fn looked(
        &mut self,
        now: Time,
        children: &[Child],
        group_left: bool,
        act: &mut dyn FnMut(Action),
    ) {
        match &mut self.phase {
            Phase::Draining(drain) => {
                let waited_enough = now >= drain.others_turn_at;
                let inherited_turn = waited_enough || !group_left;
                let is_detached = |child: &Child| self.detached.contains(child.pid);
                let is_inherited = |child: &Child| !child.in_group && !is_detached(child);
                let detached_turn =
                    waited_enough || !group_left && !children.iter().any(is_inherited);
                let count = u32::try_from(children.len()).unwrap_or(u32::MAX);
                let pause = LOOK_PAUSE_PER_CHILD.saturating_mul(count);
                drain.look_not_before = now.saturating_add(pause.min(LOOK_INTERVAL));
                drain.look_at = now.saturating_add(LOOK_INTERVAL);
                if !detached_turn {
                    drain.look_at = drain.look_at.min(drain.others_turn_at);
                }
                let signal = drain.signal;
                for child in children {
                    let is_turn = child.in_group
                        || detached_turn
                        || inherited_turn && !self.detached.contains(child.pid);
                    if is_turn && !self.told.contains(child.pid) {
                        self.tell(child, signal, act);
                    }
                }
            }
            Phase::Killing { look_at, .. } => {
                *look_at = now.saturating_add(LOOK_INTERVAL);
                for child in children {
                    let to = Target::Child(child.pid);
                    let signal = Signal::KILL;
                    act(Action::Send { signal, to });
                }
            }
            Phase::Running | Phase::Serving | Phase::Over => {}
        }
    }

    /// A look could not see the children: there is no /proc. `group_left` as
    /// in [`Self::looked`].
    pub fn could_not_look(&mut self, now: Time, group_left: bool, act: &mut dyn FnMut(Action)) {
        let to = self.as_many_as_can_be();
        let group_told = self.stop_requests.has_reached_group();
        match &mut self.phase {
            Phase::Draining(drain) => {
                drain.look_at = now.saturating_add(LOOK_INTERVAL);
                if drain.told_blindly {
                    return;
                }
                // Who tells everyone cannot spare those who have been told: they come first.
                if to == Target::Everyone && group_told && group_left && now < drain.others_turn_at
                {
                    drain.look_at = drain.look_at.min(drain.others_turn_at);
                    return;
                }
                drain.told_blindly = true;
                if to == Target::Everyone || !group_told {
                    let signal = drain.signal;
                    act(Action::Send { signal, to });
                }
                let signal = Signal::CONT;
                act(Action::Send { signal, to });
            }
            Phase::Killing { look_at, .. } => {
                *look_at = now.saturating_add(LOOK_INTERVAL);
                let signal = Signal::KILL;
                act(Action::Send { signal, to });
            }
            Phase::Running | Phase::Serving | Phase::Over => {}
        }
    }

    /// When to call [`Self::time_passed`] at the latest.
    pub fn deadline(&self) -> Option<Time> {
        match &self.phase {
            Phase::Running | Phase::Serving => self.kill_at,
            Phase::Draining(drain) => [
                drain.deadline,
                drain.name_at,
                Some(drain.look_at),
                self.kill_at,
            ]
            .into_iter()
            .flatten()
            .min(),
            Phase::Killing {
                give_up_at,
                look_at,
            } => Some(*give_up_at.min(look_at)),
            Phase::Over => None,
        }
    }

    /// It is `now`: does what is due.
    pub fn time_passed(&mut self, now: Time, act: &mut dyn FnMut(Action)) {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        match &mut self.phase {
            Phase::Over => {}
            Phase::Killing {
                give_up_at,
                look_at,
            } => {
                if *give_up_at <= now {
                    self.phase = Phase::Over;
                } else if *look_at <= now {
                    act(Action::Look);
                }
            }
            _ if is_due(self.kill_at) => self.kill(now, act),
            Phase::Draining(drain) if is_due(drain.deadline) => self.kill(now, act),
            Phase::Draining(drain) => {
                if is_due(drain.name_at) {
                    drain.name_at = None;
                    act(Action::NameAwaited);
                }
                if is_due(Some(drain.look_at)) {
                    act(Action::Look);
                }
            }
            Phase::Running | Phase::Serving => {}
        }
    }

    /// The exit status, once there is nothing more to do.
    pub fn exit_status(&self) -> Option<u8> {
        matches!(self.phase, Phase::Over).then(|| self.status())
    }

    fn status(&self) -> u8 {
        let Some(command) = self.command_ended else {
            // Not even SIGKILL has ended it, or its end was never told.
            return if self.kill_at.is_some() {
                exit_code::SIGNAL_BASE.saturating_add(Signal::KILL.number())
            } else {
                exit_code::FAILED
            };
        };
        let ending = self.daemon_failed.unwrap_or(command);
        // Asked once more: a request that came too long before does not count.
        let is_as_asked = self.ended_as_asked && self.answers_stop_request(ending);
        if self.options.zero_on_stop && is_as_asked {
            return 0;
        }
        let status = ending.status();
        if self.options.expected_exits.contains(status) {
            return 0;
        }
        status
    }

    fn note_stop_request(&mut self, now: Time, signal: Signal, forwarded: Option<Signal>) {
        if starts_clock(signal) {
            let after = |limit: Option<Duration>| limit.map(|limit| now.saturating_add(limit));
            self.kill_at = self.kill_at.or(after(self.options.kill_after));
            if let (true, Phase::Draining(drain)) = (self.serves_daemons(), &mut self.phase) {
                drain.deadline = drain.deadline.or(after(self.options.grace));
            }
        }
        let reaches_group = matches!(self.phase, Phase::Running) && !self.options.single_child;
        self.stop_requests
            .note(now, signal, forwarded, reaches_group);
    }

    fn go_on_without_command(&mut self, now: Time, act: &mut dyn FnMut(Action)) {
        self.stop_requests.command_ended(now);
        if self.serves_daemons() {
            self.phase = Phase::Serving;
            if let Some(signal) = self.stop_requests.latest_forwarded() {
                self.stop_daemons(now, signal, act);
            }
            return;
        }
        // After a stop request somebody else keeps a clock; a second one could only lose data.
        let default = (!self.stop_requests.any()).then_some(DEFAULT_GRACE);
        let grace = self.options.grace.or(default);
        self.drain(now, Signal::TERM, grace, act);
    }

    /// COMMAND has left the work to its daemons.
    fn serves_daemons(&self) -> bool {
        self.options.daemon && self.command_ended == Some(Ending::Exited(0))
    }

    fn stop_daemons(&mut self, now: Time, signal: Signal, act: &mut dyn FnMut(Action)) {
        let starts_clock = self.stop_requests.any_starts_clock();
        let grace = self.options.grace.filter(|_| starts_clock);
        self.drain(now, signal, grace, act);
        if let Phase::Draining(drain) = &mut self.phase {
            drain.others_turn_at = now;
        }
    }

    /// Starts to drain, and the clock.
    fn drain(
        &mut self,
        now: Time,
        signal: Signal,
        grace: Option<Duration>,
        act: &mut dyn FnMut(Action),
    ) {
        self.phase = Phase::Draining(Drain {
            signal,
            term_is_known: signal == Signal::TERM,
            others_turn_at: now.saturating_add(OTHERS_WAIT),
            deadline: grace.map(|grace| now.saturating_add(grace)),
            name_at: Some(now.saturating_add(SILENT_WAIT)),
            look_at: now,
            look_not_before: now,
            told_blindly: false,
        });
        act(Action::AnnounceDrain);
        act(Action::Look);
    }

    fn tell(&mut self, child: &Child, signal: Signal, act: &mut dyn FnMut(Action)) {
        self.told.insert(child.pid);
        let to = Target::Child(child.pid);
        let has_heard = |info| self.stop_requests.has_told(info);
        if !(child.in_group && child.start_info.is_some_and(has_heard)) {
            act(Action::Send { signal, to });
        }
        // A stopped process acts on nothing before it is continued.
        let signal = Signal::CONT;
        act(Action::Send { signal, to });
    }

    fn kill(&mut self, now: Time, act: &mut dyn FnMut(Action)) {
        act(Action::NameKilled);
        self.phase = Phase::Killing {
            give_up_at: now.saturating_add(DEATH_WAIT),
            look_at: now.saturating_add(LOOK_INTERVAL),
        };
        let signal = Signal::KILL;
        let to = self.as_many_as_can_be();
        act(Action::Send { signal, to });
        act(Action::Look);
    }

    /// As many as one call can reach at once, so that none of them forks meanwhile.
    fn as_many_as_can_be(&self) -> Target {
        if self.is_pid_1 {
            Target::Everyone
        } else {
            Target::GroupAndCommand
        }
    }
}
