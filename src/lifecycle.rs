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
//!    └──exit 0, --daemon──> RunningDaemons            │
//!                                                     v
//!             nothing left, in any phase ──────────> Over
//!             --kill-after, in the first three ────> Killing
//! ```

mod drain;
mod pid_set;
#[cfg(test)]
mod properties;
mod stop_requests;

use std::time::Duration;

use nix::unistd::Pid;

use crate::ending::Ending;
use crate::exit_code;
use crate::options::Options;
use crate::process::{Scan, StartInfo, Zombie};
use crate::signal::Signal;
use crate::time::Time;
use drain::{Asked, Blind, Drain, Found};
pub use drain::{FILTER_HEAD_START, FILTER_INTERVAL, Guess};
use pid_set::PidSet;
use stop_requests::{STOP_SIGNALS, StopRequests};

/// How long leftovers may take when nobody asked for the end.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// How often to kill anew what is still there.
const KILL_INTERVAL: Duration = Duration::from_secs(1);
/// A wait longer than this is explained: after an end that nobody asked for,
const SILENT_WAIT: Duration = Duration::from_secs(1);
/// and after a stop request, before the 10 s of docker stop are over.
const SILENT_STOP: Duration = Duration::from_secs(5);
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

/// What the supervisor is to do once it has carried out the actions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Next {
    Wait,
    /// Scan for children, and report them by [`Lifecycle::scanned`].
    Scan,
}

/// A signal that has arrived, and what becomes of it.
#[derive(Clone, Copy, Debug)]
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

#[cfg_attr(test, derive(Clone, Debug))]
enum Phase {
    Running,
    /// The daemons are the work now.
    RunningDaemons,
    Draining(Drain),
    Killing {
        give_up_at: Time,
        next_scan_at: Time,
    },
    Over,
}

#[cfg_attr(test, derive(Clone, Debug))]
pub struct Lifecycle<'a> {
    options: &'a Options,
    /// PID 1 of a PID namespace may signal everybody in it at once.
    is_pid_1: bool,
    phase: Phase,
    stop_requests: StopRequests,
    /// When `--kill-after` is over.
    kill_at: Option<Time>,
    /// When to explain why a stop takes so long.
    explain_stop_at: Option<Time>,
    command: Option<CommandEnded>,
    daemons: Daemons,
    /// The latest of the endings that make the status was an answer to a stop
    /// request, which no later one makes it.
    ended_as_asked: bool,
    asked: Asked,
    asked_blindly: Blind,
    has_seen_children: bool,
    /// Who was rinit's child already when a stop request came, outside COMMAND's group.
    detached: PidSet,
}

#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug))]
struct CommandEnded {
    ending: Ending,
    guess: Option<Guess>,
}

/// What COMMAND left behind with `--daemon`.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug))]
struct Daemons {
    /// When COMMAND ended: whoever is born later, and in no session of theirs, entered from outside.
    born_until: Time,
    sessions: PidSet,
    /// The first that was no success.
    failed: Option<Ending>,
}

impl Daemons {
    fn count(&mut self, pid: Pid, zombie: Option<Zombie>) -> bool {
        let Some(zombie) = zombie else { return true };
        let is_one =
            zombie.started_at <= self.born_until.tick() || self.sessions.contains(zombie.session);
        if is_one {
            // What it has forked in a session of its own is one, too: it was on its way.
            self.sessions.insert(pid);
        }
        is_one
    }
}

impl<'a> Lifecycle<'a> {
    pub fn new(options: &'a Options, is_pid_1: bool) -> Self {
        Self {
            options,
            is_pid_1,
            phase: Phase::Running,
            stop_requests: StopRequests::default(),
            kill_at: None,
            explain_stop_at: None,
            command: None,
            daemons: Daemons::default(),
            ended_as_asked: false,
            asked: Asked::default(),
            asked_blindly: Blind::default(),
            has_seen_children: false,
            detached: PidSet::default(),
        }
    }

    /// Whether that signal, as received, asks for a stop.
    pub fn is_stop_request(&self, received: Signal) -> bool {
        STOP_SIGNALS.contains(received) || self.options.stop_signals.contains(received)
    }

    /// Whether a stop has been requested that counts.
    pub fn stop_is_requested(&self) -> bool {
        self.stop_requests.any()
    }

    /// A signal has arrived. `scan` is called before anything is sent, and then `now`:
    /// in the other order, what COMMAND leaves behind when it dies at once would count
    /// as detached, and what is born meanwhile as asked.
    pub fn signal_arrived(
        &mut self,
        arrived: Arrived,
        scan: impl FnOnce(Details) -> Scan,
        now: impl Fn() -> Time,
        act: &mut dyn FnMut(Action),
    ) -> Next {
        let is_stop = self.is_stop_request(arrived.signal);
        match (&self.phase, is_stop) {
            (Phase::Running, false) => {
                if let Some(signal) = arrived.forwarded {
                    let to = if arrived.to_group {
                        Target::Group
                    } else {
                        Target::Command
                    };
                    act(Action::Send { signal, to });
                }
                Next::Wait
            }
            (Phase::Running, true) => {
                self.note_detached(scan(Details::default()));
                self.note_stop_request(now(), arrived);
                self.forward_stop(arrived, act);
                Next::Wait
            }
            (Phase::RunningDaemons, _) => self.signal_daemons(arrived, is_stop, now, act),
            (Phase::Draining(_), true) => {
                self.note_stop_request(now(), arrived);
                self.signal_leftovers(arrived, scan, now, act)
            }
            (Phase::Draining(_), false) => {
                send_to_each_child(arrived.forwarded, act);
                Next::Wait
            }
            (Phase::Killing { .. } | Phase::Over, _) => Next::Wait,
        }
    }

    fn forward_stop(&self, arrived: Arrived, act: &mut dyn FnMut(Action)) {
        if let Some(signal) = arrived.forwarded {
            let to = if arrived.to_group {
                Target::GroupFiltersLast
            } else {
                Target::Command
            };
            act(Action::Send { signal, to });
            act(Action::ContinueIfStopped);
        }
    }

    /// SIGQUIT alone asks daemons for nothing but a dump of their threads.
    fn signal_daemons(
        &mut self,
        arrived: Arrived,
        is_stop: bool,
        now: impl FnOnce() -> Time,
        act: &mut dyn FnMut(Action),
    ) -> Next {
        if is_stop && arrived.signal != Signal::QUIT {
            let now = now();
            self.note_stop_request(now, arrived);
            if let Some(signal) = arrived.forwarded {
                return self.stop_daemons(now, signal, act);
            }
            return Next::Wait;
        }
        send_to_each_child(arrived.forwarded, act);
        Next::Wait
    }

    /// SIGTERM goes to whoever has not had it, when their turn comes; any
    /// other stop request to everybody, each time.
    fn signal_leftovers(
        &mut self,
        arrived: Arrived,
        scan: impl FnOnce(Details) -> Scan,
        now: impl FnOnce() -> Time,
        act: &mut dyn FnMut(Action),
    ) -> Next {
        let runs_daemons = self.runs_daemons();
        let (Phase::Draining(drain), Some(signal)) = (&mut self.phase, arrived.forwarded) else {
            return Next::Wait;
        };
        if arrived.signal == Signal::TERM {
            drain.term_arrived(now());
            return Next::Scan;
        }
        if runs_daemons && drain.asks_with(signal) {
            // Daemons are asked once.
            return Next::Scan;
        }
        let details = Details {
            start_info: true,
            ..Details::default()
        };
        let Scan::Found(children) = scan(details) else {
            send_to_each_child(arrived.forwarded, act);
            return Next::Wait;
        };
        for child in &children {
            let to = Target::Child(child.pid);
            act(Action::Send { signal, to });
            // A stopped process acts on nothing before it is continued.
            act(Action::Send {
                signal: Signal::CONT,
                to,
            });
            // Before it counts as asked by this one alone.
            self.asked.note_group(child, &self.stop_requests);
            let ignores = |info: StartInfo| info.ignored.contains(signal);
            if child.start_info.is_some_and(|info| !ignores(info)) {
                self.asked.add(child.pid, false);
            }
        }
        Next::Wait
    }

    /// The stop signal just forwarded has gone to all of COMMAND's group at once.
    pub fn group_asked_at_once(&mut self) {
        self.stop_requests.reached_group_at_once();
    }

    /// A member of COMMAND's group that a stop signal was sent to alone, at the latest `now`.
    pub fn member_asked(&mut self, signal: Signal, pid: Pid, now: Time) {
        self.stop_requests.member_asked(signal, pid, now);
    }

    /// COMMAND is dead. `guess`: who has probably been asked to stop, though not by rinit.
    pub fn command_ended(&mut self, ending: Ending, guess: Option<Guess>) {
        self.command = Some(CommandEnded { ending, guess });
        self.ended_as_asked = self.answers_stop_request(ending);
    }

    /// Whether [`Self::child_ended`] is to be given what the dead child was.
    pub fn needs_zombie(&self) -> bool {
        self.runs_daemons()
    }

    /// Another child is dead.
    pub fn child_ended(&mut self, pid: Pid, ending: Ending, zombie: Option<Zombie>) {
        self.asked.remove(pid);
        self.stop_requests.child_ended(pid);
        self.detached.remove(pid);
        if self.runs_daemons()
            && self.daemons.count(pid, zombie)
            && self.daemons.failed.is_none()
            && ending != Ending::Exited(0)
        {
            self.daemons.failed = Some(ending);
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
            self.forget_old_requests(now());
        }
        self.phase = Phase::Over;
    }

    /// The dead have been reaped, or as many of them as make a batch, and
    /// children are left.
    pub fn reaped(&mut self, now: impl FnOnce() -> Time, act: &mut dyn FnMut(Action)) -> Next {
        match &mut self.phase {
            Phase::Running => match self.command {
                Some(command) => self.go_on_without_command(now(), command, act),
                None => Next::Wait,
            },
            Phase::Draining(drain) if now() < drain.no_scan_before => {
                drain.next_scan_at = drain.no_scan_before;
                Next::Wait
            }
            Phase::Draining(_) | Phase::Killing { .. } => Next::Scan,
            Phase::RunningDaemons | Phase::Over => Next::Wait,
        }
    }

    /// What a scan is to find out about that child, which may be in COMMAND's group.
    pub fn details_of(&self, pid: Pid, in_group: bool) -> Details {
        let Phase::Draining(drain) = &self.phase else {
            return Details::default();
        };
        let is_open = !self.asked.contains(pid);
        let group_asked = in_group && self.stop_requests.has_reached_group();
        Details {
            start_info: is_open && (group_asked || drain.needs_to_know_the_caught()),
            input: in_group && (is_open || !self.asked.by_term(pid)),
        }
    }

    /// The result of a scan. `group_left`: some child of COMMAND's group is
    /// left, perhaps one that the scan missed.
    pub fn scanned(
        &mut self,
        now: Time,
        scan: &Scan,
        group_left: bool,
        act: &mut dyn FnMut(Action),
    ) {
        self.has_seen_children |= matches!(scan, Scan::Found(_));
        let to = self.as_many_as_can_be();
        match (&mut self.phase, scan) {
            (Phase::Draining(drain), Scan::Found(children)) => drain.ask(
                now,
                Found {
                    children,
                    group_left,
                },
                &self.detached,
                &self.stop_requests,
                &mut self.asked,
                act,
            ),
            (Phase::Draining(drain), Scan::NoProc) if !self.has_seen_children => {
                let reaches_everybody = to == Target::Everyone;
                let signal = drain.ask_blindly(
                    now,
                    reaches_everybody,
                    group_left,
                    &self.stop_requests,
                    &mut self.asked_blindly,
                );
                if let Some(signal) = signal {
                    act(Action::Send { signal, to });
                    let signal = Signal::CONT;
                    act(Action::Send { signal, to });
                }
            }
            (Phase::Draining(drain), _) => drain.scan_soon(now),
            (Phase::Killing { next_scan_at, .. }, scan) => {
                *next_scan_at = now.after(KILL_INTERVAL);
                let signal = Signal::KILL;
                match scan {
                    Scan::Found(children) => {
                        for child in children {
                            let to = Target::Child(child.pid);
                            act(Action::Send { signal, to });
                        }
                    }
                    Scan::Failed | Scan::NoProc => act(Action::Send { signal, to }),
                }
            }
            (Phase::Running | Phase::RunningDaemons | Phase::Over, _) => {}
        }
    }

    /// When to call [`Self::time_passed`] at the latest.
    pub fn deadline(&self) -> Option<Time> {
        let earliest = |times: &[Option<Time>]| times.iter().flatten().min().copied();
        match &self.phase {
            Phase::Running | Phase::RunningDaemons => {
                earliest(&[self.kill_at, self.explain_stop_at])
            }
            Phase::Draining(drain) => earliest(&[
                drain.deadline,
                drain.explain_at,
                Some(drain.next_scan_at),
                self.kill_at,
            ]),
            Phase::Killing {
                give_up_at,
                next_scan_at,
            } => Some(*give_up_at.min(next_scan_at)),
            Phase::Over => None,
        }
    }

    /// It is `now`: does what is due.
    pub fn time_passed(&mut self, now: Time, act: &mut dyn FnMut(Action)) -> Next {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let requested = self.requested();
        match &mut self.phase {
            Phase::Over => {}
            Phase::Killing {
                give_up_at,
                next_scan_at,
            } => {
                if *give_up_at <= now {
                    self.phase = Phase::Over;
                } else if *next_scan_at <= now {
                    return Next::Scan;
                }
            }
            _ if is_due(self.kill_at) => return self.kill(now, act),
            Phase::Draining(drain) if is_due(drain.deadline) => return self.kill(now, act),
            Phase::Draining(drain) => {
                if is_due(drain.explain_at) {
                    drain.explain_at = None;
                    act(Action::ExplainWait(requested));
                }
                if is_due(Some(drain.next_scan_at)) {
                    return Next::Scan;
                }
            }
            Phase::Running | Phase::RunningDaemons => {
                if is_due(self.explain_stop_at) {
                    self.explain_stop_at = None;
                    act(Action::ExplainWait(requested));
                }
            }
        }
        Next::Wait
    }

    /// The exit status, once there is nothing more to do.
    pub fn exit_status(&self) -> Option<u8> {
        matches!(self.phase, Phase::Over).then(|| self.status())
    }

    fn status(&self) -> u8 {
        let Some(command) = self.command else {
            // Not even SIGKILL has ended it, or its end was never seen.
            return if self.kill_at.is_some() {
                exit_code::SIGNAL_BASE.saturating_add(Signal::KILL.number())
            } else {
                exit_code::FAILED
            };
        };
        let ending = self.daemons.failed.unwrap_or(command.ending);
        if self.options.zero_on_stop && self.ended_as_asked {
            return 0;
        }
        let status = ending.status();
        if self.options.expected_exits.contains(status) {
            return 0;
        }
        status
    }

    fn note_detached(&mut self, scan: Scan) {
        if let Scan::Found(children) = scan {
            self.has_seen_children = true;
            for child in children.iter().filter(|child| !child.in_group) {
                self.detached.insert(child.pid);
            }
        }
    }

    fn note_stop_request(&mut self, now: Time, arrived: Arrived) {
        let Arrived {
            signal, forwarded, ..
        } = arrived;
        // SIGQUIT may just ask for a dump of threads.
        if signal != Signal::QUIT {
            let after = |limit: Option<Duration>| limit.map(|limit| now.after(limit));
            self.kill_at = self.kill_at.or(after(self.options.kill_after));
            if let (true, Phase::Draining(drain)) = (self.runs_daemons(), &mut self.phase) {
                drain.deadline = drain.deadline.or(after(self.options.grace));
            }
            if !self.stop_requests.any_but_quit() {
                self.explain_stop_at = Some(now.after(SILENT_STOP));
            }
        }
        let reaches_group = matches!(self.phase, Phase::Running) && arrived.to_group;
        self.stop_requests
            .note(now, signal, forwarded, reaches_group);
    }

    /// COMMAND has ended: what was requested too long before does not count.
    fn forget_old_requests(&mut self, now: Time) {
        self.stop_requests.command_ended(now);
        let asked = |command: CommandEnded| self.answers_stop_request(command.ending);
        self.ended_as_asked &= self.command.is_some_and(asked);
    }

    fn go_on_without_command(
        &mut self,
        now: Time,
        command: CommandEnded,
        act: &mut dyn FnMut(Action),
    ) -> Next {
        self.forget_old_requests(now);
        if self.runs_daemons() {
            self.phase = Phase::RunningDaemons;
            self.daemons.born_until = now;
            return match self.stop_requests.latest_forwarded(true) {
                Some(signal) => self.stop_daemons(now, signal, act),
                None => Next::Wait,
            };
        }
        let asked = self.stop_requests.any();
        let term = self.term_as_forwarded();
        let request = self.stop_requests.latest_forwarded(false).unwrap_or(term);
        let mut drain = Drain::new(now, request, term, command.guess, true);
        // After a stop request somebody else keeps a clock; a second one could only lose data.
        let default = (!asked).then_some(DEFAULT_GRACE);
        drain.deadline = self.options.grace.or(default).map(|grace| now.after(grace));
        drain.explain_at = if asked {
            self.explain_stop_at.take()
        } else {
            Some(now.after(SILENT_WAIT))
        };
        self.drain(drain, act)
    }

    fn requested(&self) -> Requested {
        self.stop_requests.latest().unwrap_or(Requested {
            signal: self.term_as_forwarded(),
            at: None,
            to_group: false,
        })
    }

    /// COMMAND has left the work to its daemons.
    fn runs_daemons(&self) -> bool {
        let success = Ending::Exited(0);
        self.options.daemon
            && self
                .command
                .is_some_and(|command| command.ending == success)
    }

    fn stop_daemons(&mut self, now: Time, signal: Signal, act: &mut dyn FnMut(Action)) -> Next {
        let mut drain = Drain::new(now, signal, self.term_as_forwarded(), None, false);
        drain.deadline = self.options.grace.map(|grace| now.after(grace));
        drain.explain_at = self.explain_stop_at.take();
        self.drain(drain, act)
    }

    /// What SIGTERM is forwarded as; SIGTERM itself where that is dropped.
    fn term_as_forwarded(&self) -> Signal {
        let rewritten = self.options.rewrites.apply(Signal::TERM);
        rewritten.unwrap_or(Signal::TERM)
    }

    fn drain(&mut self, drain: Drain, act: &mut dyn FnMut(Action)) -> Next {
        self.phase = Phase::Draining(drain);
        act(Action::AnnounceDrain);
        Next::Scan
    }

    fn kill(&mut self, now: Time, act: &mut dyn FnMut(Action)) -> Next {
        act(Action::NameKilled(self.requested()));
        self.phase = Phase::Killing {
            give_up_at: now.after(DEATH_WAIT),
            next_scan_at: now.after(KILL_INTERVAL),
        };
        let signal = Signal::KILL;
        let to = self.as_many_as_can_be();
        act(Action::Send { signal, to });
        Next::Scan
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

fn send_to_each_child(signal: Option<Signal>, act: &mut dyn FnMut(Action)) {
    if let Some(signal) = signal {
        let to = Target::EachChild;
        act(Action::Send { signal, to });
    }
}
