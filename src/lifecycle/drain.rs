//! Draining: whose turn it is, and what each leftover is asked with.

use std::time::Duration;

use nix::unistd::Pid;

use super::action::{Action, Details, Target, go_on, send_and_continue};
use super::asked::{Asked, Unseen};
use super::stop::Stop;
use crate::process::{Child, Input, StartInfo};
use crate::signal::Signal;
use crate::time::Time;

/// For so long nobody is asked: most of what outlives a script ends by itself.
pub const HEAD_START: Duration = Duration::from_millis(300);
/// So long a log filter may take from the end of its input to its own.
pub const FILTER_HEAD_START: Duration = Duration::from_secs(1);
/// From COMMAND's end on: then it is everybody's turn.
pub const TURNS: Duration = Duration::from_secs(5);
/// How often to scan, at least: an orphan comes without a signal.
const SCAN_INTERVAL: Duration = Duration::from_secs(1);
/// While a log filter still reads, its end may be near.
pub const FILTER_INTERVAL: Duration = Duration::from_millis(100);
/// A pause of so many times what a scan has taken bounds what a storm of deaths makes scans
/// cost: without /proc/thread-self/children all of /proc is read.
const PAUSE: u32 = 5;
/// And where nothing changes, it need not cost a thousandth of a processor.
const INTERVAL_PER_CHILD: Duration = Duration::from_micros(500);
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

/// Who of COMMAND's group has probably been asked to stop past rinit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Guess {
    /// All of it, by a key at the terminal.
    Everybody,
    /// Those that catch the forwarded signal that has killed COMMAND.
    WhoCatches(Signal),
}

#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct Drain {
    /// What those are asked with that catch it; SIGTERM asks the others.
    request: Signal,
    /// It is a stop request from outside, and so for all.
    is_from_outside: bool,
    /// What SIGTERM is forwarded as.
    term: Signal,
    /// One has arrived from outside.
    term_from_outside: bool,
    guess: Option<Guess>,
    nobody_before: Time,
    /// When those get their turn that had to wait for others.
    everybody_at: Time,
    /// Log filters, at the end of their input, have until then to end by themselves.
    filters_at: Option<Time>,
    pub deadline: Option<Time>,
    pub explain_at: Option<Time>,
    pub next_scan_at: Time,
    /// Not before this, however many die meanwhile.
    pub no_scan_before: Time,
}

impl Drain {
    /// Without `has_turns`, as with daemons, everybody is sent the request at once.
    pub fn new(
        now: Time,
        request: Signal,
        term: Signal,
        guess: Option<Guess>,
        has_turns: bool,
    ) -> Self {
        let head_start = if has_turns {
            HEAD_START
        } else {
            Duration::ZERO
        };
        let turns = if has_turns { TURNS } else { Duration::ZERO };
        Self {
            request,
            is_from_outside: !has_turns,
            term,
            term_from_outside: false,
            guess,
            nobody_before: now.after(head_start),
            everybody_at: now.after(turns),
            filters_at: None,
            deadline: None,
            explain_at: None,
            next_scan_at: now.after(head_start),
            no_scan_before: now,
        }
    }

    /// The stop request that has killed COMMAND has reached nobody else.
    pub fn skip_head_start(&mut self, now: Time) {
        self.nobody_before = now;
    }

    /// When there is something to do again.
    pub fn next_event(&self) -> Option<Time> {
        let times = [self.deadline, self.explain_at, Some(self.next_scan_at)];
        times.into_iter().flatten().min()
    }

    /// SIGTERM has arrived: whoever has not had one is to get it.
    pub fn term_arrived(&mut self, now: Time) {
        self.term_from_outside = true;
        self.next_scan_at = now;
    }

    pub fn asks_with(&self, signal: Signal) -> bool {
        signal == self.request
    }

    /// What a scan is to find out about that child, which may be in COMMAND's group.
    pub fn details_of(&self, pid: Pid, in_group: bool, stop: &Stop) -> Details {
        let is_open = !stop.asked.contains(pid);
        let group_asked = in_group && stop.requests.has_reached_group();
        Details {
            start_info: is_open && (group_asked || self.needs_to_know_the_caught()),
            input: in_group && (is_open || !stop.asked.by_term(pid)),
        }
    }

    /// Whether what is asked for depends on what a child catches.
    fn needs_to_know_the_caught(&self) -> bool {
        !self.is_from_outside && self.request != Signal::TERM
            || matches!(self.guess, Some(Guess::WhoCatches(_)))
    }

    fn everybody_is_asked(&self, now: Time) -> bool {
        now >= self.everybody_at
    }

    /// A scan has failed.
    pub fn scan_soon(&mut self, now: Time) {
        self.next_scan_at = now.after(FILTER_INTERVAL);
    }

    /// Without /proc: whom of those that cannot be seen to ask, once by each of the two.
    /// `to`: as many as can be reached.
    pub fn ask_blindly(
        &mut self,
        now: Time,
        to: Target,
        group_left: bool,
        stop: &mut Stop,
        act: &mut dyn FnMut(Action),
    ) {
        let Stop {
            requests, asked, ..
        } = stop;
        // Then nobody can be spared.
        let reaches_everybody = to == Target::Everyone;
        self.next_scan_at = now.after(SCAN_INTERVAL);
        if now < self.nobody_before {
            self.next_scan_at = self.nobody_before;
            return;
        }
        // Who asks everybody cannot spare those that have been asked: they come first.
        let some_are_asked =
            self.guess.is_some() || reaches_everybody && requests.has_reached_group();
        if some_are_asked && group_left && !self.everybody_is_asked(now) {
            self.next_scan_at = self.next_scan_at.min(self.everybody_at);
            return;
        }
        let unseen = &mut asked.unseen;
        let by_term = unseen.by_term || !reaches_everybody && requests.group_was_sent(self.term);
        let at_all = unseen.at_all || !reaches_everybody && requests.has_reached_group();
        let needs_term = self.term_from_outside && !by_term;
        if needs_term || !unseen.at_all {
            *unseen = Unseen {
                at_all: true,
                by_term: needs_term || by_term || !at_all,
            };
        }
        if needs_term {
            send_and_continue(self.term, to, act);
        } else if !at_all {
            send_and_continue(Signal::TERM, to, act);
        }
    }

    /// Asks each child whose turn it is. `took`: what the scan has taken. `group_left`: some child
    /// of COMMAND's group is left, perhaps one that the scan missed.
    pub fn ask(
        &mut self,
        now: Time,
        took: Duration,
        children: &[Child],
        group_left: bool,
        stop: &mut Stop,
        act: &mut dyn FnMut(Action),
    ) {
        let everybody = self.everybody_is_asked(now);
        let is_inherited = |child: &Child| !child.in_group && !stop.is_detached(child.pid);
        let inherited_turn = everybody || !group_left;
        let detached_turn = inherited_turn && (everybody || !children.iter().any(is_inherited));
        self.plan_next_scan(now, took, children.len(), detached_turn);
        if now < self.nobody_before {
            self.next_scan_at = self.nobody_before;
            return;
        }
        for child in children {
            if stop.asked.note_group(child, self.term, &stop.requests) {
                go_on(Target::Child(child.pid), act);
            }
        }
        let filters_may_be_asked = self.see_filters(now, children, &stop.asked);
        for child in children {
            let is_turn =
                child.in_group || detached_turn || inherited_turn && !stop.is_detached(child.pid);
            let is_filter = child.input != Input::Other;
            if is_turn && (!is_filter || filters_may_be_asked) {
                self.ask_one(now, child, &mut stop.asked, act);
            }
        }
    }

    fn plan_next_scan(
        &mut self,
        now: Time,
        took: Duration,
        count: usize,
        all_have_their_turn: bool,
    ) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let pause = took.saturating_mul(PAUSE).min(SCAN_INTERVAL);
        let interval = INTERVAL_PER_CHILD.saturating_mul(count);
        self.no_scan_before = now.after(pause);
        self.next_scan_at = now.after(interval.clamp(SCAN_INTERVAL, LONGEST_INTERVAL));
        if !all_have_their_turn || self.guess.is_some() && !self.everybody_is_asked(now) {
            self.next_scan_at = self.next_scan_at.min(self.everybody_at);
        }
    }

    /// Returns whether log filters may be asked: when they have had their time since
    /// their input ended. Asked earlier, they would die with what they have not read,
    /// and their writers, in mid clean-up, of SIGPIPE.
    fn see_filters(&mut self, now: Time, children: &[Child], asked: &Asked) -> bool {
        let is_asked = |child: &Child| {
            if self.term_from_outside {
                asked.by_term(child.pid)
            } else {
                asked.contains(child.pid)
            }
        };
        let awaited = |input: Input| {
            let is_awaited = |child: &Child| child.input == input && !is_asked(child);
            children.iter().any(is_awaited)
        };
        let others_live = children.iter().any(is_asked);
        let flowing = awaited(Input::Flowing) && (others_live || !self.everybody_is_asked(now));
        if flowing {
            self.filters_at = None;
        } else if awaited(Input::Ended) || awaited(Input::Flowing) {
            let filters_at = *self.filters_at.get_or_insert(now.after(FILTER_HEAD_START));
            if now >= filters_at {
                return true;
            }
        } else {
            return true;
        }
        self.next_scan_at = self.next_scan_at.min(now.after(FILTER_INTERVAL));
        false
    }

    fn ask_one(&self, now: Time, child: &Child, asked: &mut Asked, act: &mut dyn FnMut(Action)) {
        let signal = if self.term_from_outside && !asked.by_term(child.pid) {
            self.term
        } else if !asked.contains(child.pid) && !self.may_have_been_asked(now, child) {
            let catches = |info: StartInfo| info.caught.contains(self.request);
            if self.is_from_outside || child.start_info.is_some_and(catches) {
                self.request
            } else {
                Signal::TERM
            }
        } else {
            return;
        };
        asked.add(child.pid, signal == Signal::TERM || signal == self.term);
        send_and_continue(signal, Target::Child(child.pid), act);
    }

    fn may_have_been_asked(&self, now: Time, child: &Child) -> bool {
        let is_guessed = match self.guess {
            None => false,
            Some(Guess::Everybody) => true,
            Some(Guess::WhoCatches(signal)) => child
                .start_info
                .is_some_and(|info| info.caught.contains(signal)),
        };
        is_guessed && child.in_group && !self.everybody_is_asked(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;

    #[test]
    fn a_scan_that_took_long_is_not_repeated_at_once() {
        let options = Options::default();
        let mut stop = Stop::new(&options);
        let begun = Time(Duration::from_secs(1000));
        for (took, pause) in [(1, 5), (100, 500), (700, 1000)] {
            let mut drain = Drain::new(begun, Signal::TERM, Signal::TERM, None, true);
            let took = Duration::from_millis(took);
            let now = begun.after(took);
            drain.ask(now, took, &[], true, &mut stop, &mut |_| {});
            let expected = now.after(Duration::from_millis(pause));
            assert_eq!(drain.no_scan_before, expected);
        }
    }
}
