//! Draining: whose turn it is, and what each leftover is asked with.

use std::time::Duration;

use nix::unistd::Pid;

use super::pid_set::PidSet;
use super::stop_requests::StopRequests;
use super::{Action, Target};
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
/// A scan costs about a microsecond a child (/proc/thread-self/children); a
/// pause of several times that bounds what a storm of deaths makes it cost.
const PAUSE_PER_CHILD: Duration = Duration::from_micros(5);
/// And where nothing changes, it need not cost a thousandth of a processor.
const INTERVAL_PER_CHILD: Duration = Duration::from_micros(500);
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

/// Who of COMMAND's group has probably been asked to stop past rinit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guess {
    /// All of it, by a key at the terminal.
    Everybody,
    /// Those that catch the forwarded signal that has killed COMMAND.
    WhoCatches(Signal),
}

/// How those have been asked that cannot be seen.
#[derive(Clone, Copy, Default)]
#[cfg_attr(test, derive(Debug))]
pub struct Blind {
    at_all: bool,
    by_term: bool,
}

/// Who has been asked to stop.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug))]
pub struct Asked {
    /// By any stop request, from outside or of rinit's own.
    at_all: PidSet,
    /// By SIGTERM, as it is forwarded.
    by_term: PidSet,
}

impl Asked {
    pub fn contains(&self, pid: Pid) -> bool {
        self.at_all.contains(pid)
    }

    pub fn by_term(&self, pid: Pid) -> bool {
        self.by_term.contains(pid)
    }

    pub fn add(&mut self, pid: Pid, is_term: bool) {
        self.at_all.insert(pid);
        if is_term {
            self.by_term.insert(pid);
        }
    }

    pub fn remove(&mut self, pid: Pid) {
        self.at_all.remove(pid);
        self.by_term.remove(pid);
    }

    /// Notes a child that has been asked while COMMAND ran, with its group.
    /// Returns whether it has, and was not noted before.
    pub fn note_group(&mut self, child: &Child, requests: &StopRequests) -> bool {
        let is_news = child.in_group && !self.contains(child.pid) && requests.has_asked(child);
        if is_news {
            self.add(child.pid, requests.has_asked_by_term(child));
        }
        is_news
    }
}

/// What a scan has found.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    pub children: &'a [Child],
    /// Some child of COMMAND's group is left, perhaps one that the scan missed.
    pub group_left: bool,
}

#[cfg_attr(test, derive(Clone, Debug))]
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

    /// SIGTERM has arrived: whoever has not had one is to get it.
    pub fn term_arrived(&mut self, now: Time) {
        self.term_from_outside = true;
        self.next_scan_at = now;
    }

    pub fn asks_with(&self, signal: Signal) -> bool {
        signal == self.request
    }

    /// Whether what is asked for depends on what a child catches.
    pub fn needs_to_know_the_caught(&self) -> bool {
        !self.is_from_outside && self.request != Signal::TERM
            || matches!(self.guess, Some(Guess::WhoCatches(_)))
    }

    pub fn everybody_is_asked(&self, now: Time) -> bool {
        now >= self.everybody_at
    }

    /// A scan has failed.
    pub fn scan_soon(&mut self, now: Time) {
        self.next_scan_at = now.after(FILTER_INTERVAL);
    }

    /// Without /proc: whom of those that cannot be seen to ask, once by each of the two.
    /// `reaches_everybody`: nobody can be spared. Returns what to send.
    pub fn ask_blindly(
        &mut self,
        now: Time,
        reaches_everybody: bool,
        group_left: bool,
        requests: &StopRequests,
        blind: &mut Blind,
    ) -> Option<Signal> {
        self.next_scan_at = now.after(SCAN_INTERVAL);
        if now < self.nobody_before {
            self.next_scan_at = self.nobody_before;
            return None;
        }
        // Who asks everybody cannot spare those that have been asked: they come first.
        let some_are_asked = requests.has_reached_group() || self.guess.is_some();
        if some_are_asked && reaches_everybody && group_left && !self.everybody_is_asked(now) {
            self.next_scan_at = self.next_scan_at.min(self.everybody_at);
            return None;
        }
        let by_term = blind.by_term || !reaches_everybody && requests.term_has_reached_group();
        let asked = blind.at_all || !reaches_everybody && requests.has_reached_group();
        if self.term_from_outside && !by_term {
            *blind = Blind {
                at_all: true,
                by_term: true,
            };
            return Some(self.term);
        }
        let is_news = !asked;
        if !blind.at_all {
            *blind = Blind {
                at_all: true,
                by_term: by_term || is_news,
            };
        }
        is_news.then_some(Signal::TERM)
    }

    /// Asks each child whose turn it is. `detached`: who was rinit's child, outside of
    /// COMMAND's group, before the stop request.
    pub fn ask(
        &mut self,
        now: Time,
        found: Found,
        detached: &PidSet,
        requests: &StopRequests,
        asked: &mut Asked,
        act: &mut dyn FnMut(Action),
    ) {
        let Found {
            children,
            group_left,
        } = found;
        let everybody = self.everybody_is_asked(now);
        let is_inherited = |child: &Child| !child.in_group && !detached.contains(child.pid);
        let inherited_turn = everybody || !group_left;
        let detached_turn = inherited_turn && (everybody || !children.iter().any(is_inherited));
        let is_turn = |child: &Child| {
            child.in_group || detached_turn || inherited_turn && !detached.contains(child.pid)
        };
        self.plan_next_scan(now, children.len(), detached_turn);
        if now < self.nobody_before {
            self.next_scan_at = self.nobody_before;
            return;
        }
        for child in children {
            if asked.note_group(child, requests) {
                go_on(child.pid, act);
            }
        }
        let filters_may_be_asked = self.see_filters(now, children, asked);
        for child in children.iter().filter(|child| is_turn(child)) {
            let is_filter = child.input != Input::Other;
            if !is_filter || filters_may_be_asked {
                self.ask_one(now, child, asked, act);
            }
        }
    }

    fn plan_next_scan(&mut self, now: Time, count: usize, all_have_their_turn: bool) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let pause = PAUSE_PER_CHILD.saturating_mul(count).min(SCAN_INTERVAL);
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
        let to = Target::Child(child.pid);
        act(Action::Send { signal, to });
        go_on(child.pid, act);
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

/// A stopped process acts on nothing before it is continued.
fn go_on(pid: Pid, act: &mut dyn FnMut(Action)) {
    let (signal, to) = (Signal::CONT, Target::Child(pid));
    act(Action::Send { signal, to });
}
