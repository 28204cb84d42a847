//! Which stops have been requested, and whom of COMMAND's group they reached.

use std::time::Duration;

use super::Requested;
use crate::process::StartInfo;
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

/// The stop requests that have arrived, one of each kind.
#[derive(Default)]
pub struct StopRequests {
    kinds: Vec<StopRequest>,
    command_ended: Option<Time>,
}

/// Stop requests of one kind. Times are read before the signal is forwarded:
/// in the other order, a process born between the two would count as asked.
#[derive(Clone, Copy)]
struct StopRequest {
    received: Signal,
    latest: Time,
    /// What was forwarded for it, if anything was.
    forwarded: Option<Signal>,
    /// When it last went to COMMAND's whole group.
    to_group: Option<Time>,
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
        let known = self.kinds.iter_mut().find(|kind| kind.received == received);
        let earlier = known.as_ref().and_then(|request| request.to_group);
        let request = StopRequest {
            received,
            latest: now,
            forwarded,
            to_group: if reaches_group && forwarded.is_some() {
                Some(now)
            } else {
                earlier
            },
        };
        if let Some(known) = known {
            *known = request;
        } else if self.kinds.try_reserve(1).is_ok() {
            self.kinds.push(request);
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

    /// What was forwarded for the latest that was not dropped, SIGQUIT aside
    /// where that `may_ask_for_dump`.
    pub fn latest_forwarded(&self, may_ask_for_dump: bool) -> Option<Signal> {
        let candidates = self.counting().filter(|request| {
            request.forwarded.is_some() && !(may_ask_for_dump && request.received == Signal::QUIT)
        });
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

    /// Whether a SIGTERM has.
    pub fn term_has_reached_group(&self) -> bool {
        self.in_group()
            .any(|request| request.received == Signal::TERM)
    }

    /// Whether one has asked that process of COMMAND's group to stop. Born in the
    /// very tick of the signal counts as born later: it may have been.
    pub fn has_asked(&self, info: StartInfo) -> bool {
        self.in_group().any(|request| request.has_asked(info))
    }

    /// Whether a SIGTERM has, as it was forwarded.
    pub fn has_asked_by_term(&self, info: StartInfo) -> bool {
        let mut in_group = self.in_group();
        in_group.any(|request| request.received == Signal::TERM && request.has_asked(info))
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
    fn has_asked(&self, info: StartInfo) -> bool {
        self.forwarded
            .zip(self.to_group)
            .is_some_and(|(signal, at)| {
                info.started_at < at.tick() && !info.ignored.contains(signal)
            })
    }
}
