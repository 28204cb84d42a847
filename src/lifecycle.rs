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

mod action;
mod asked;
mod drain;
mod endings;
mod killing;
mod pid_set;
#[cfg(test)]
mod properties;
mod stop;
mod stop_requests;

use std::time::Duration;

use nix::unistd::Pid;

use crate::ending::Ending;
use crate::options::Options;
use crate::process::{Scan, Zombie};
use crate::signal::Signal;
use crate::time::Time;
pub use action::{Action, Arrived, Details, Next, Requested, Target};
use action::{send_and_continue, send_to_command, send_to_each_child};
use drain::Drain;
pub use drain::{FILTER_HEAD_START, FILTER_INTERVAL, Guess};
use endings::Endings;
use killing::Killing;
use stop::Stop;

/// How long leftovers may take when nobody asked for the end.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// A wait longer than this is explained, after an end that nobody asked for.
const SILENT_WAIT: Duration = Duration::from_secs(1);

#[cfg_attr(test, derive(Clone, Debug, Hash))]
enum Phase {
    Running,
    /// The daemons are the work now.
    RunningDaemons,
    Draining(Drain),
    Killing(Killing),
    Over,
}

#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct Lifecycle<'a> {
    options: &'a Options,
    /// PID 1 of a PID namespace may signal everybody in it at once.
    is_pid_1: bool,
    phase: Phase,
    stop: Stop<'a>,
    endings: Endings<'a>,
    guess: Option<Guess>,
}

impl<'a> Lifecycle<'a> {
    pub fn new(options: &'a Options, is_pid_1: bool) -> Self {
        Self {
            options,
            is_pid_1,
            phase: Phase::Running,
            stop: Stop::new(options),
            endings: Endings::new(options),
            guess: None,
        }
    }

    /// Whether that signal, as received, asks for a stop.
    pub fn is_stop_request(&self, received: Signal) -> bool {
        self.stop.is_requested_by(received)
    }

    /// Whether a stop has been requested that counts.
    pub fn stop_is_requested(&self) -> bool {
        self.stop.is_requested()
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
                send_to_command(arrived, false, act);
                Next::Wait
            }
            (Phase::Running, true) => {
                self.stop.note_detached(scan(Details::default()));
                self.note_stop_request(now(), arrived);
                send_to_command(arrived, true, act);
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
            (Phase::Killing(_) | Phase::Over, _) => Next::Wait,
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
        let runs_daemons = self.endings.runs_daemons();
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
            send_and_continue(signal, Target::Child(child.pid), act);
            self.stop.note_sent(signal, child);
        }
        Next::Wait
    }

    /// The stop signal just forwarded has gone to all of COMMAND's group at once.
    pub fn group_asked_at_once(&mut self) {
        self.stop.requests.reached_group_at_once();
    }

    /// A member of COMMAND's group that a stop signal was sent to alone, at the latest `now`.
    pub fn member_asked(&mut self, signal: Signal, pid: Pid, now: Time) {
        self.stop.requests.member_asked(signal, pid, now);
    }

    /// COMMAND is dead.
    pub fn command_ended(&mut self, ending: Ending, now: Time) {
        self.stop.requests.command_ended(now);
        self.endings.command_ended(ending, now, &self.stop.requests);
    }

    /// Who has probably been asked to stop, though not by rinit.
    pub fn note_guess(&mut self, guess: Option<Guess>) {
        self.guess = guess;
    }

    /// Whether [`Self::child_ended`] is to be given what the dead child was.
    pub fn needs_zombie(&self) -> bool {
        self.endings.runs_daemons()
    }

    /// Another child is dead.
    pub fn child_ended(&mut self, pid: Pid, ending: Ending, zombie: Option<Zombie>) {
        self.stop.child_ended(pid);
        self.endings
            .child_ended(pid, ending, zombie, &self.stop.requests);
    }

    /// All the dead have been reaped, and no child is left.
    pub fn nothing_left(&mut self) {
        self.phase = Phase::Over;
    }

    /// The dead have been reaped, or as many of them as make a batch, and
    /// children are left.
    pub fn reaped(&mut self, now: impl FnOnce() -> Time, act: &mut dyn FnMut(Action)) -> Next {
        self.endings.reaped();
        match &mut self.phase {
            Phase::Running if self.endings.command_has_ended() => {
                self.go_on_without_command(now(), act)
            }
            Phase::Draining(drain) if now() < drain.no_scan_before => {
                drain.next_scan_at = drain.no_scan_before;
                Next::Wait
            }
            Phase::Draining(_) | Phase::Killing(_) => Next::Scan,
            Phase::Running | Phase::RunningDaemons | Phase::Over => Next::Wait,
        }
    }

    /// What a scan is to find out about that child, which may be in COMMAND's group.
    pub fn details_of(&self, pid: Pid, in_group: bool) -> Details {
        let Phase::Draining(drain) = &self.phase else {
            return Details::default();
        };
        drain.details_of(pid, in_group, &self.stop)
    }

    /// The result of a scan that was begun at that time. `group_left`: some child of COMMAND's group is
    /// left, perhaps one that the scan missed.
    pub fn scanned(
        &mut self,
        begun: Time,
        now: Time,
        scan: &Scan,
        group_left: bool,
        act: &mut dyn FnMut(Action),
    ) {
        self.stop.note_scan(scan);
        let to = Target::as_many_as_can_be(self.is_pid_1);
        match (&mut self.phase, scan) {
            (Phase::Draining(drain), Scan::Found(children)) => {
                drain.ask(
                    now,
                    begun.until(now),
                    children,
                    group_left,
                    &mut self.stop,
                    act,
                );
            }
            (Phase::Draining(drain), Scan::NoProc) if !self.stop.has_seen_children() => {
                drain.ask_blindly(now, to, group_left, &mut self.stop, act);
            }
            (Phase::Draining(drain), _) => drain.scan_soon(now),
            (Phase::Killing(killing), scan) => killing.scanned(now, scan, to, act),
            (Phase::Running | Phase::RunningDaemons | Phase::Over, _) => {}
        }
    }

    /// When to call [`Self::time_passed`] at the latest.
    pub fn deadline(&self) -> Option<Time> {
        let earliest = |times: &[Option<Time>]| times.iter().flatten().min().copied();
        match &self.phase {
            Phase::Running | Phase::RunningDaemons => {
                earliest(&[self.stop.kill_at, self.stop.explain_at])
            }
            Phase::Draining(drain) => earliest(&[drain.next_event(), self.stop.kill_at]),
            Phase::Killing(killing) => Some(killing.deadline()),
            Phase::Over => None,
        }
    }

    /// It is `now`: does what is due.
    pub fn time_passed(&mut self, now: Time, act: &mut dyn FnMut(Action)) -> Next {
        let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let requested = self.stop.last_requested();
        match &mut self.phase {
            Phase::Over => {}
            Phase::Killing(killing) if killing.gives_up(now) => self.phase = Phase::Over,
            Phase::Killing(killing) => {
                if killing.scan_is_due(now) {
                    return Next::Scan;
                }
            }
            _ if is_due(self.stop.kill_at) => return self.kill(now, act),
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
                if is_due(self.stop.explain_at) {
                    self.stop.explain_at = None;
                    act(Action::ExplainWait(requested));
                }
            }
        }
        Next::Wait
    }

    /// The exit status, once there is nothing more to do.
    pub fn exit_status(&self) -> Option<u8> {
        matches!(self.phase, Phase::Over).then(|| self.endings.status(self.stop.kill_at.is_some()))
    }

    fn note_stop_request(&mut self, now: Time, arrived: Arrived) {
        let reaches_group = matches!(self.phase, Phase::Running) && arrived.to_group;
        self.stop.note_request(now, arrived, reaches_group);
        if let Phase::Draining(drain) = &mut self.phase {
            if self.endings.runs_daemons() && arrived.signal != Signal::QUIT {
                let grace = self.options.grace.map(|grace| now.after(grace));
                drain.deadline = drain.deadline.or(grace);
            }
        }
    }

    fn go_on_without_command(&mut self, now: Time, act: &mut dyn FnMut(Action)) -> Next {
        if self.endings.runs_daemons() {
            self.phase = Phase::RunningDaemons;
            return match self.stop.requests.latest_but_quit() {
                Some(signal) => self.stop_daemons(now, signal, act),
                None => Next::Wait,
            };
        }
        let asked = self.stop.is_requested();
        let term = self.stop.term_as_forwarded();
        let latest = self.stop.requests.latest();
        let request = latest.map_or(term, |latest| latest.signal);
        let mut drain = Drain::new(now, request, term, self.guess, true);
        let killed_alone = |latest: Requested| {
            !latest.to_group && self.endings.command_was_killed_by(latest.signal)
        };
        if latest.is_some_and(killed_alone) {
            drain.skip_head_start(now);
        }
        // After a stop request somebody else keeps a clock; a second one could only lose data.
        let default = (!asked).then_some(DEFAULT_GRACE);
        drain.deadline = self.options.grace.or(default).map(|grace| now.after(grace));
        drain.explain_at = if asked {
            self.stop.explain_at.take()
        } else {
            Some(now.after(SILENT_WAIT))
        };
        self.drain(drain, act)
    }

    fn stop_daemons(&mut self, now: Time, signal: Signal, act: &mut dyn FnMut(Action)) -> Next {
        let mut drain = Drain::new(now, signal, self.stop.term_as_forwarded(), None, false);
        drain.deadline = self.options.grace.map(|grace| now.after(grace));
        drain.explain_at = self.stop.explain_at.take();
        self.drain(drain, act)
    }

    fn drain(&mut self, drain: Drain, act: &mut dyn FnMut(Action)) -> Next {
        self.phase = Phase::Draining(drain);
        act(Action::AnnounceDrain);
        Next::Scan
    }

    fn kill(&mut self, now: Time, act: &mut dyn FnMut(Action)) -> Next {
        act(Action::NameKilled(self.stop.last_requested()));
        self.phase = Phase::Killing(Killing::new(now));
        let signal = Signal::KILL;
        let to = Target::as_many_as_can_be(self.is_pid_1);
        act(Action::Send { signal, to });
        Next::Scan
    }
}
