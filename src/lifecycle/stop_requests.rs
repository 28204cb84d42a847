//! Which stops have been asked for, and who has heard of them.

use std::time::Duration;

use super::Time;
use crate::process::StartInfo;
use crate::signal::{Signal, Signals};

/// Signals that ask a container to stop.
pub const STOP_SIGNALS: [Signal; 5] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::PWR,
    Signal::HALT,
];

/// A program that is still alive this long after a stop request did not take
/// it for one.
pub const HOLDS: Duration = Duration::from_secs(600);
/// A tick of the start times in /proc: USER_HZ is 100 everywhere (proc_pid_stat(5)).
const TICK: Duration = Duration::from_millis(10);

/// The stop requests that have arrived.
#[derive(Default)]
pub struct StopRequests {
    /// One of each kind, in the order of [`STOP_SIGNALS`].
    kinds: [Option<StopRequest>; STOP_SIGNALS.len()],
    command_ended: Option<Time>,
}

/// Stop requests of one kind. Times are read before the signal is forwarded:
/// in the other order, a process born between the two would count as told.
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
        for (kind, request) in STOP_SIGNALS.iter().zip(&mut self.kinds) {
            if *kind == received {
                let earlier = request.and_then(|request| request.to_group);
                *request = Some(StopRequest {
                    received,
                    latest: now,
                    forwarded,
                    to_group: if reaches_group { Some(now) } else { earlier },
                });
            }
        }
    }

    /// From now on, only what still counted when COMMAND ended is a stop request.
    pub fn command_ended(&mut self, at: Time) {
        self.command_ended = Some(at);
    }

    /// Whether a stop has been asked for.
    pub fn any(&self) -> bool {
        self.counting().next().is_some()
    }

    /// Whether one has that starts a clock: SIGQUIT may just ask for a dump of threads.
    pub fn any_starts_clock(&self) -> bool {
        self.counting()
            .any(|request| starts_clock(request.received))
    }

    /// What was forwarded for the latest that was not dropped.
    pub fn latest_forwarded(&self) -> Option<Signal> {
        let forwarded = self
            .counting()
            .filter(|request| request.forwarded.is_some());
        forwarded.max_by_key(|request| request.latest)?.forwarded
    }

    /// What COMMAND, or the daemons it left, were sent for them.
    pub fn forwarded(&self) -> impl Iterator<Item = Signal> {
        self.counting().filter_map(|request| request.forwarded)
    }

    /// Whether one has reached COMMAND's whole group.
    pub fn has_reached_group(&self) -> bool {
        self.in_group().next().is_some()
    }

    /// Whether one has told that process of COMMAND's group to stop. Born in the
    /// very tick of the signal counts as born later: it may have been.
    pub fn has_told(&self, info: StartInfo) -> bool {
        self.in_group().any(|(signal, at)| {
            u128::from(info.started_at) < ticks(at) && !info.ignored.contains(signal)
        })
    }

    /// The signals that went to COMMAND's whole group, and when.
    fn in_group(&self) -> impl Iterator<Item = (Signal, Time)> {
        let requests = self.kinds.into_iter().flatten();
        requests
            .filter_map(|request| Some((request.forwarded?, request.to_group?)))
            .filter(|(_, at)| self.counts(*at))
    }

    fn counting(&self) -> impl Iterator<Item = StopRequest> {
        let requests = self.kinds.into_iter().flatten();
        requests.filter(|request| self.counts(request.latest))
    }

    fn counts(&self, at: Time) -> bool {
        self.command_ended
            .is_none_or(|ended| ended <= at.saturating_add(HOLDS))
    }
}

/// Whether that signal asks for a stop.
pub fn is_stop_request(received: Signal) -> bool {
    const ALL: Signals = Signals::of(&STOP_SIGNALS);
    ALL.contains(received)
}

/// Whether that stop request starts `--kill-after`.
pub fn starts_clock(received: Signal) -> bool {
    received != Signal::QUIT
}

fn ticks(time: Time) -> u128 {
    time.as_nanos().checked_div(TICK.as_nanos()).unwrap_or(0)
}
