//! Holds what the life cycle does against its promises.

mod asked;
mod end;

use std::time::Duration;

use nix::unistd::Pid;

use super::world::{COMMAND, Parent, Proc, Process, Reached, Setting, World};
use crate::ending::Ending;
use crate::lifecycle::stop_requests::{HOLDS, STOP_SIGNALS};
use crate::lifecycle::{Action, Arrived, Guess, Target};
use crate::process::Scan;
use crate::signal::Signal;
use crate::time::Time;

const HEAD_START: Duration = Duration::from_millis(300);
const TURNS: Duration = Duration::from_secs(5);
/// A log filter is asked so long after the end of its input at the latest.
const FILTER_PATIENCE: Duration = Duration::from_millis(2_500);

/// What the life cycle acts on.
#[derive(Clone, Copy, Debug, Hash)]
pub enum Occasion {
    Signal(Arrived),
    Scan,
    Time,
    Reaping,
}

#[derive(Clone, Hash)]
pub struct Judge<'a> {
    setting: &'a Setting,
    pub occasion: Occasion,
    pub command: Option<(Ending, Time)>,
    guess: Option<Guess>,
    /// All stop requests.
    requests: Vec<(Arrived, Time)>,
    requests_before_end: usize,
    /// When somebody outside last asked for more: the stop of daemons, or SIGTERM for those
    /// that have not had one.
    asked_for_more_at: Time,
    /// What rinit's own request is, once it drains.
    request: Option<Signal>,
    term_from_outside: bool,
    /// Members of the group that the signal just forwarded was sent to alone.
    pub one_by_one: Vec<(Signal, Pid)>,
    /// Or it went to all of it.
    pub at_once: bool,
    has_seen_anybody: bool,
    has_asked_blindly: bool,
    has_killed: bool,
    /// Who has just been asked.
    to_continue: Option<Target>,
    /// The failures of children once daemons are the work, and whether each was a daemon's for certain.
    failures: Vec<(Ending, bool, usize)>,
    /// Who entered from outside, and cannot be told from a daemon.
    taken_for_daemons: Vec<Pid>,
}

impl<'a> Judge<'a> {
    pub fn new(setting: &'a Setting) -> Self {
        Self {
            setting,
            occasion: Occasion::Reaping,
            command: None,
            guess: None,
            requests: Vec::new(),
            requests_before_end: 0,
            asked_for_more_at: Time::default(),
            request: None,
            term_from_outside: false,
            one_by_one: Vec::new(),
            at_once: false,
            has_seen_anybody: false,
            has_asked_blindly: false,
            has_killed: false,
            to_continue: None,
            failures: Vec::new(),
            taken_for_daemons: Vec::new(),
        }
    }

    fn is_stop(&self, received: Signal) -> bool {
        STOP_SIGNALS.contains(received) || self.setting.options.stop_signals.contains(received)
    }

    /// What SIGTERM is forwarded as.
    fn term(&self) -> Signal {
        let rewritten = self.setting.options.rewrites.apply(Signal::TERM);
        rewritten.unwrap_or(Signal::TERM)
    }

    fn runs_daemons(&self) -> bool {
        let succeeded = |(ending, _)| ending == Ending::Exited(0);
        self.setting.options.daemon && self.command.is_some_and(succeeded)
    }

    fn ended(&self) -> Time {
        self.command.expect("COMMAND has ended").1
    }

    fn counts(&self, at: Time) -> bool {
        self.command
            .is_none_or(|(_, ended)| ended <= at.after(HOLDS))
    }

    fn counting(&self) -> impl Iterator<Item = &(Arrived, Time)> {
        self.requests.iter().filter(|(_, at)| self.counts(*at))
    }

    /// Returns whether it is a stop request.
    pub fn note_arrival(&mut self, world: &World, arrived: Arrived) -> bool {
        let is_stop = self.is_stop(arrived.signal);
        let is_dump = arrived.signal == Signal::QUIT && self.runs_daemons();
        if !is_stop || self.has_killed || is_dump && self.request.is_none() {
            return is_stop;
        }
        self.requests.push((arrived, world.now));
        let Some(forwarded) = arrived.forwarded else {
            return is_stop;
        };
        if self.request.is_some() {
            if arrived.signal == Signal::TERM && !self.term_from_outside {
                self.term_from_outside = true;
                self.asked_for_more_at = world.now;
            }
        } else if self.runs_daemons() && arrived.signal != Signal::QUIT {
            self.request = Some(forwarded);
            self.asked_for_more_at = world.now;
        }
        is_stop
    }

    pub fn note_end(&mut self, world: &World, ending: Ending, guess: Option<Guess>) {
        self.command = Some((ending, world.now));
        self.guess = guess;
        self.requests_before_end = self.requests.len();
        let daemons = self.runs_daemons();
        let is_meant = |arrived: &Arrived| !(daemons && arrived.signal == Signal::QUIT);
        let forwarded = self.counting().filter(|(arrived, _)| is_meant(arrived));
        let forwarded = forwarded.filter_map(|(arrived, at)| Some((*at, arrived.forwarded?)));
        let latest = forwarded
            .max_by_key(|(at, _)| *at)
            .map(|(_, signal)| signal);
        self.request = latest.or((!daemons).then(|| self.term()));
    }

    pub fn note_scan(&mut self, scan: &Scan) {
        self.has_seen_anybody |= matches!(scan, Scan::Found(children) if !children.is_empty());
    }

    pub fn carry_out(&mut self, world: &mut World, action: Action) {
        self.check_continued(Some(action));
        let Action::Send { signal, to } = action else {
            return;
        };
        let asks = match self.occasion {
            Occasion::Signal(arrived) => to != Target::EachChild && self.is_stop(arrived.signal),
            _ => ![Signal::KILL, Signal::CONT].contains(&signal),
        };
        self.to_continue = Some(to).filter(|_| asks && signal != Signal::CONT);
        if signal == Signal::KILL {
            return self.kill(world, to);
        }
        match (to, self.occasion) {
            (Target::Command, Occasion::Signal(_)) => {}
            (Target::Group, Occasion::Signal(arrived)) => {
                assert!(!self.is_stop(arrived.signal), "filters are asked last");
            }
            (Target::GroupFiltersLast, Occasion::Signal(arrived)) => {
                self.forward_to_group(world, arrived.signal, signal);
            }
            (Target::EachChild, Occasion::Signal(arrived)) => {
                assert_eq!(arrived.forwarded, Some(signal));
                let is_term = arrived.signal == Signal::TERM;
                assert!(!is_term, "promise 3: SIGTERM has its turns");
            }
            (Target::Child(_), _) if signal == Signal::CONT => {}
            (Target::Child(pid), Occasion::Signal(arrived)) => {
                assert_eq!(arrived.forwarded, Some(signal));
                let at = world.now;
                let (received, sent) = (arrived.signal, signal);
                let reached = Reached {
                    received,
                    sent,
                    at,
                    with_group: false,
                };
                world.find(pid).reached.push(reached);
            }
            (Target::Child(pid), Occasion::Scan) => self.ask(world, pid, signal),
            (Target::Everyone | Target::GroupAndCommand, Occasion::Scan) => {
                if signal != Signal::CONT {
                    self.ask_blindly(world);
                }
            }
            (to, occasion) => panic!("{signal} to {to:?} on {occasion:?}"),
        }
    }

    /// `next`: what is done now, if anything is.
    pub fn check_continued(&mut self, next: Option<Action>) {
        let Some(to) = self.to_continue.take() else {
            return;
        };
        let signal = Signal::CONT;
        let is_continued = match to {
            Target::Command | Target::GroupFiltersLast => next == Some(Action::ContinueIfStopped),
            to => next == Some(Action::Send { signal, to }),
        };
        assert!(is_continued, "promise 13: {to:?} may be stopped");
    }

    fn forward_to_group(&mut self, world: &mut World, received: Signal, sent: Signal) {
        let filters_last = world.has_filter() && world.proc == Proc::There;
        let now = world.now;
        self.at_once = !filters_last;
        for process in world
            .processes
            .iter_mut()
            .filter(|process| process.in_group)
        {
            process.waits_for_stop = filters_last && process.reads_from.is_some();
            if process.waits_for_stop {
                continue;
            }
            process.reached.push(Reached {
                received,
                sent,
                at: now,
                with_group: !filters_last,
            });
            if filters_last {
                self.one_by_one.push((sent, process.pid));
            }
        }
    }

    /// The filters that the latest stop signal has left out get it now.
    pub fn ask_filters(&mut self, world: &mut World) {
        let Some((arrived, at)) = self
            .requests
            .iter()
            .rev()
            .find(|(it, _)| it.forwarded.is_some() && it.to_group)
        else {
            return;
        };
        for process in &mut world.processes {
            if std::mem::take(&mut process.waits_for_stop) {
                self.one_by_one
                    .push((arrived.forwarded.unwrap(), process.pid));
                process.reached.push(Reached {
                    received: arrived.signal,
                    sent: arrived.forwarded.unwrap(),
                    // It counts from when it was requested.
                    at: *at,
                    with_group: false,
                });
            }
        }
    }

    fn ask(&mut self, world: &mut World, pid: Pid, signal: Signal) {
        let request = self
            .request
            .expect("promise 12: only daemons that were asked to stop");
        let (now, term) = (world.now, self.term());
        let process = world.find(pid).clone();
        assert_eq!(
            process.parent,
            Parent::Rinit,
            "parents stop their own children"
        );
        assert!(
            !self.is_head_start(now),
            "promise 6: {process:?} had no time"
        );
        assert!(
            self.is_turn_of(world, &process),
            "promise 5: not the turn of {process:?}"
        );
        let flows = process.reads_from.is_some() && now < self.ended().after(TURNS);
        assert!(
            !flows || self.runs_daemons(),
            "promise 10: {process:?} still reads"
        );
        if self.term_from_outside && !self.has_had_term(&process) {
            assert_eq!(signal, term, "promise 3: {process:?}");
            world.find(pid).termed = true;
            return;
        }
        assert!(
            !self.has_been_asked(&process),
            "promise 2: {process:?} has been asked"
        );
        assert!(
            !self.is_guessed(&process, now),
            "promise 9: {process:?} may have been asked"
        );
        let catches = !process.unreadable && process.caught.contains(request);
        let expected = if catches || self.runs_daemons() {
            request
        } else {
            Signal::TERM
        };
        assert_eq!(
            signal, expected,
            "promise 2: what {process:?} is asked with"
        );
        let process = world.find(pid);
        process.asked = true;
        process.termed |= signal == term || signal == Signal::TERM;
    }

    fn ask_blindly(&mut self, world: &World) {
        assert!(self.request.is_some(), "promise 12");
        assert_eq!(world.proc, Proc::Absent, "promise 11: there is a /proc");
        assert!(!self.has_seen_anybody, "promise 11: somebody was seen");
        assert!(!self.has_asked_blindly, "promise 11: asked blindly before");
        assert!(!self.is_head_start(world.now), "promise 6");
        self.has_asked_blindly = true;
    }

    fn kill(&mut self, world: &mut World, to: Target) {
        if let Occasion::Signal(_) = self.occasion {
            // Forwarded: rewrites make it of another signal.
            return;
        }
        assert!(self.kill_is_due(world.now), "promise 4: killed too early");
        self.has_killed = true;
        for process in &mut world.processes {
            process.killed |= match to {
                Target::Child(pid) => process.pid == pid,
                Target::GroupAndCommand => process.in_group || process.pid == COMMAND,
                _ => true,
            };
        }
    }

    /// Promises 2 and 3: who has to be asked by now.
    pub fn check_scan(&self, world: &World, scan: &Scan) {
        let now = world.now;
        let flows = |process: &Process| process.reads_from.is_some();
        let is_over = self.request.is_none() || self.command.is_none() || self.has_killed;
        if is_over || self.is_head_start(now) || !matches!(scan, Scan::Found(_)) {
            return;
        }
        let filters_wait = world.children().any(flows)
            || now
                < world
                    .flowed_at
                    .max(self.asked_for_more_at)
                    .max(self.ended())
                    .after(FILTER_PATIENCE);
        for process in world.children().filter(|it| self.is_turn_of(world, it)) {
            if process.is_filter && filters_wait {
                continue;
            }
            // As it is forwarded: that is the same to whoever gets it.
            let by_term = |it: &Reached| it.received == Signal::TERM || it.sent == self.term();
            assert!(
                !self.term_from_outside || self.may_be_spared(process, by_term),
                "promise 3: no SIGTERM for {process:?}"
            );
            let is_asked = process.asked || self.may_be_spared(process, |_| true);
            let is_done = is_asked || self.is_guessed(process, now);
            assert!(is_done, "promise 2: {process:?} is not asked");
        }
    }
}
