//! Which stops have been requested, and whom of COMMAND's group they reached.

use std::time::Duration;

use nix::unistd::Pid;

use super::action::Requested;
use crate::process::{Child, StartInfo};
use crate::signal::{Signal, Signals};
use crate::time::Time;

/// Signals that ask a container to stop, whatever the options say.
pub const STOP_SIGNALS: Signals = Signals::of(&[
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::PWR,
    Signal::HALT,
]);

/// A program that is still alive this long after a stop request did not take
/// it for one.
pub const HOLDS: Duration = Duration::from_secs(600);

/// How many members of a group to remember that were asked one by one.
const MOST_MEMBERS: usize = 4096;

/// The stop requests that have arrived, one of each kind.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct StopRequests {
    kinds: Vec<StopRequest>,
    command_ended: Option<Time>,
}

/// Stop requests of one kind. Times are read before the signal is forwarded:
/// in the other order, a process born between the two would count as asked.
#[cfg_attr(test, derive(Clone, Debug, Hash))]
struct StopRequest {
    received: Signal,
    latest: Time,
    /// What was forwarded for it, if anything was.
    forwarded: Option<Signal>,
    /// When it last went to COMMAND's whole group.
    to_group: Option<Time>,
    /// When it last went to all of that at once.
    at_once: Option<Time>,
    /// Those of the group that it went to one by one, and when. Where somebody has died
    /// since, the pid may be another's.
    one_by_one: Vec<(Pid, Time)>,
}

impl StopRequests {
    /// `reaches_group`: what is forwarded goes to COMMAND's whole group.
    pub fn note(
        &mut self,
        now: Time,
        received: Signal,
        forwarded: Option<Signal>,
        reaches_group: bool,
    ) {
        let to_group = (reaches_group && forwarded.is_some()).then_some(now);
        let known = self.kinds.iter_mut().find(|kind| kind.received == received);
        if let Some(known) = known {
            known.latest = now;
            known.forwarded = forwarded;
            if to_group.is_some() {
                known.to_group = to_group;
                known.one_by_one.retain(|(_, at)| now <= at.after(HOLDS));
            }
        } else if self.kinds.try_reserve(1).is_ok() {
            self.kinds.push(StopRequest {
                received,
                latest: now,
                forwarded,
                to_group,
                at_once: None,
                one_by_one: Vec::new(),
            });
        }
    }

    /// What was forwarded for the latest has reached all of the group at once.
    pub fn reached_group_at_once(&mut self) {
        if let Some(request) = self.kinds.iter_mut().max_by_key(|kind| kind.to_group) {
            request.at_once = request.to_group;
        }
    }

    /// That signal was sent to a member of the group alone, at the latest `now`.
    pub fn member_asked(&mut self, signal: Signal, pid: Pid, now: Time) {
        let same = |kind: &&mut StopRequest| kind.forwarded == Some(signal);
        for request in self.kinds.iter_mut().filter(same) {
            request.note_member(pid, now);
        }
    }

    pub fn child_ended(&mut self, pid: Pid) {
        for request in &mut self.kinds {
            request.one_by_one.retain(|(member, _)| *member != pid);
        }
    }

    /// From now on, only what still counted when COMMAND ended is a stop request.
    pub fn command_ended(&mut self, at: Time) {
        self.command_ended = Some(at);
    }

    /// Whether a stop has been requested.
    pub fn any(&self) -> bool {
        self.counting().next().is_some()
    }

    /// Whether one has that cannot just have asked for a dump of threads.
    pub fn any_but_quit(&self) -> bool {
        self.counting()
            .any(|request| request.received != Signal::QUIT)
    }

    /// What was forwarded for the latest that was not dropped, and cannot just have asked for a
    /// dump of threads.
    pub fn latest_but_quit(&self) -> Option<Signal> {
        let is_candidate = |request: &&StopRequest| {
            request.forwarded.is_some() && request.received != Signal::QUIT
        };
        let candidates = self.counting().filter(is_candidate);
        candidates.max_by_key(|request| request.latest)?.forwarded
    }

    /// The latest that was not dropped.
    pub fn latest(&self) -> Option<Requested> {
        let requests = self.counting().filter_map(|request| {
            Some(Requested {
                signal: request.forwarded?,
                at: Some(request.latest),
                to_group: request.to_group == Some(request.latest),
            })
        });
        requests.max_by_key(|request| request.at)
    }

    /// What COMMAND, or the daemons it left, were sent for them.
    pub fn forwarded(&self) -> impl Iterator<Item = Signal> {
        self.counting().filter_map(|request| request.forwarded)
    }

    /// Whether one has reached COMMAND's whole group.
    pub fn has_reached_group(&self) -> bool {
        self.in_group().next().is_some()
    }

    /// Whether that signal has, for whatever request.
    pub fn group_was_sent(&self, signal: Signal) -> bool {
        self.in_group()
            .any(|request| request.forwarded == Some(signal))
    }

    /// Whether one has asked that process of COMMAND's group to stop. Born in the
    /// very tick of the signal counts as born later: it may have been.
    pub fn has_asked(&self, child: &Child) -> bool {
        self.in_group().any(|request| request.has_asked(child))
    }

    /// Whether one has that was forwarded as this signal.
    pub fn has_asked_by(&self, signal: Signal, child: &Child) -> bool {
        let mut in_group = self.in_group();
        in_group.any(|request| request.forwarded == Some(signal) && request.has_asked(child))
    }

    /// Those that went to COMMAND's whole group.
    fn in_group(&self) -> impl Iterator<Item = &StopRequest> {
        let counts = |request: &&StopRequest| request.to_group.is_some_and(|at| self.counts(at));
        self.kinds.iter().filter(counts)
    }

    fn counting(&self) -> impl Iterator<Item = &StopRequest> {
        self.kinds
            .iter()
            .filter(|request| self.counts(request.latest))
    }

    fn counts(&self, at: Time) -> bool {
        self.command_ended
            .is_none_or(|ended| ended <= at.after(HOLDS))
    }
}

impl StopRequest {
    /// Who cannot be remembered is asked once more, which is better than an abort.
    fn note_member(&mut self, pid: Pid, now: Time) {
        let members = &mut self.one_by_one;
        if let Some((_, at)) = members.iter_mut().find(|(member, _)| *member == pid) {
            *at = now;
        } else if members.len() < MOST_MEMBERS && members.try_reserve(1).is_ok() {
            members.push((pid, now));
        }
    }

    fn has_asked(&self, child: &Child) -> bool {
        let (Some(info), Some(signal)) = (child.start_info, self.forwarded) else {
            return false;
        };
        let at_once = |info: StartInfo| self.at_once.is_some_and(|at| info.started_at < at.tick());
        let alone =
            |(member, at): &(Pid, Time)| *member == child.pid && info.started_at <= at.tick();
        (at_once(info) || self.one_by_one.iter().any(alone)) && !info.ignored.contains(signal)
    }
}
