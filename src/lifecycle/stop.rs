//! The stop: what has been requested, whom that reached, and the clocks that it started.

use std::time::Duration;

use nix::unistd::Pid;

use super::action::{Arrived, Requested};
use super::asked::Asked;
use super::pid_set::PidSet;
use super::stop_requests::{STOP_SIGNALS, StopRequests};
use crate::options::Options;
use crate::process::{Child, Scan};
use crate::signal::Signal;
use crate::time::Time;

/// A stop that takes longer is explained, before the 10 s of docker stop are over.
const SILENT_STOP: Duration = Duration::from_secs(5);

#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct Stop<'a> {
    options: &'a Options,
    pub requests: StopRequests,
    pub asked: Asked,
    /// When `--kill-after` is over.
    pub kill_at: Option<Time>,
    /// When to explain why it takes so long.
    pub explain_at: Option<Time>,
    /// Who was rinit's child already when a stop request came, outside COMMAND's group.
    detached: PidSet,
    has_seen_children: bool,
}

impl<'a> Stop<'a> {
    pub fn new(options: &'a Options) -> Self {
        Self {
            options,
            requests: StopRequests::default(),
            asked: Asked::default(),
            kill_at: None,
            explain_at: None,
            detached: PidSet::default(),
            has_seen_children: false,
        }
    }

    /// Whether that signal, as received, asks for a stop.
    pub fn is_requested_by(&self, received: Signal) -> bool {
        STOP_SIGNALS.contains(received) || self.options.stop_signals.contains(received)
    }

    /// Whether one has been requested that counts.
    pub fn is_requested(&self) -> bool {
        self.requests.any()
    }

    pub fn has_seen_children(&self) -> bool {
        self.has_seen_children
    }

    pub fn is_detached(&self, pid: Pid) -> bool {
        self.detached.contains(pid)
    }

    /// `reaches_group`: what is forwarded goes to COMMAND's whole group.
    pub fn note_request(&mut self, now: Time, arrived: Arrived, reaches_group: bool) {
        let Arrived {
            signal, forwarded, ..
        } = arrived;
        // SIGQUIT may just ask for a dump of threads.
        if signal != Signal::QUIT {
            let kill_after = self.options.kill_after;
            let kill_at = kill_after.map(|limit| now.after(limit));
            self.kill_at = self.kill_at.or(kill_at);
            if !self.requests.any_but_quit() {
                self.explain_at = Some(now.after(SILENT_STOP));
            }
        }
        self.requests.note(now, signal, forwarded, reaches_group);
    }

    pub fn note_scan(&mut self, scan: &Scan) {
        self.has_seen_children |= matches!(scan, Scan::Found(_));
    }

    /// A stop request has come, and those are there.
    pub fn note_detached(&mut self, scan: Scan) {
        self.note_scan(&scan);
        if let Scan::Found(children) = scan {
            for child in children.iter().filter(|child| !child.in_group) {
                self.detached.insert(child.pid);
            }
        }
    }

    /// A child has been sent a stop request other than SIGTERM.
    pub fn note_sent(&mut self, signal: Signal, child: &Child) {
        let term = self.term_as_forwarded();
        self.asked.note_sent(signal, child, term, &self.requests);
    }

    pub fn child_ended(&mut self, pid: Pid) {
        self.asked.remove(pid);
        self.requests.child_ended(pid);
        self.detached.remove(pid);
    }

    pub fn last_requested(&self) -> Requested {
        self.requests.latest().unwrap_or(Requested {
            signal: self.term_as_forwarded(),
            at: None,
            to_group: false,
        })
    }

    /// What SIGTERM is forwarded as; SIGTERM itself where that is dropped.
    pub fn term_as_forwarded(&self) -> Signal {
        let rewritten = self.options.rewrites.apply(Signal::TERM);
        rewritten.unwrap_or(Signal::TERM)
    }
}
