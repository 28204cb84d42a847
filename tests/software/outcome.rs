//! How a container met a request, and what became of its work.

use std::fmt::{self, Display, Formatter};

use crate::row::{Init, Request, Row};

/// The status of a container that the engine had to kill.
const KILLED: i32 = 137;

/// Between two ends that both lost nothing, on a loaded machine.
const SLACK: f64 = 4.0;

pub struct Outcome {
    pub seconds: f64,
    /// None while it runs.
    pub status: Option<i32>,
    pub lost: String,
}

impl Outcome {
    /// `init`: what it was started with, other than `other`.
    pub fn is_worse_than(&self, other: &Outcome, row: &Row, init: Init) -> bool {
        let harm = self.harm(row);
        let others = other.harm(row);
        if init == Init::Swapped && row.needs_another_signal() {
            // It knows no stop by this signal: tini cuts it off, rinit waits for it.
            return harm.0 > others.0;
        }
        harm > others || (harm == others && harm.0 == 0 && self.seconds > other.seconds + SLACK)
    }

    /// The worst first: how much was lost, whether force or a reload ended it, whether its status is a failure's.
    fn harm(&self, row: &Row) -> (u32, bool, bool) {
        let by_force = match row.request {
            Request::Stop => self.status == Some(KILLED),
            Request::Reload => self.status.is_some(),
        };
        let lost = match self.lost.split_once(' ') {
            Some((count, _)) => count.parse().unwrap_or(1),
            // Whoever never heard of the stop went on with its work, and lost what it had in flight 10 s later.
            None => u32::from(!self.lost.is_empty() || by_force),
        };
        let failed = !matches!(self.status, None | Some(0 | 130 | 143 | KILLED));
        (lost, by_force, failed)
    }
}

impl Display for Outcome {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        match self.status {
            Some(status) => write!(out, "{:.1} s, {status}, ", self.seconds)?,
            None => write!(out, "runs, ")?,
        }
        if self.lost.is_empty() {
            write!(out, "kept")
        } else {
            write!(out, "**{} lost**", self.lost)
        }
    }
}
