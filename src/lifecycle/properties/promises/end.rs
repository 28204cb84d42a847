//! When SIGKILL comes, when rinit ends, and with which status.

use std::time::Duration;

use super::Judge;
use crate::ending::Ending;
use crate::lifecycle::Arrived;
use crate::lifecycle::properties::world::{Process, World};
use crate::signal::Signal;
use crate::time::Time;

const DEFAULT_GRACE: Duration = Duration::from_secs(10);

impl Judge<'_> {
    pub fn note_death(&mut self, dead: &Process, ending: Ending, is_known: bool) {
        if !self.runs_daemons() {
            return;
        }
        let is_older = dead.started_at.tick() <= self.ended().tick();
        let is_certain = is_older && !dead.from_outside;
        // Who entered from outside, and was rinit's before COMMAND ended, looks like a daemon,
        // and so does what it leaves.
        let looks_like_one =
            is_older || !is_known || self.taken_for_daemons.contains(&dead.session);
        if dead.from_outside && looks_like_one {
            self.taken_for_daemons.push(dead.pid);
        }
        if ending != Ending::Exited(0) && (looks_like_one || !dead.from_outside) {
            let requests = self.requests.len();
            self.failures.push((ending, is_certain, requests));
        }
    }

    /// Promise 4: when SIGKILL may come.
    pub(super) fn kill_is_due(&self, now: Time) -> bool {
        let options = &self.setting.options;
        let is_over = |from: Time, limit: Option<Duration>| {
            limit.is_some_and(|limit| now >= from.after(limit))
        };
        let starts_clock = |(arrived, _): &&(Arrived, Time)| arrived.signal != Signal::QUIT;
        let mut stops = self.requests.iter().filter(starts_clock).map(|(_, at)| *at);
        let first_stop = stops.next();
        let kill_after = first_stop.is_some_and(|at| is_over(at, options.kill_after));
        let grace = self.command.is_some_and(|(_, ended)| {
            if self.runs_daemons() {
                // Where it is dropped, nothing is asked of them.
                let asks = |(arrived, _): &&(Arrived, Time)| arrived.forwarded.is_some();
                let mut stops = self.counting().filter(starts_clock).filter(asks);
                return stops.any(|(_, at)| is_over((*at).max(ended), options.grace));
            }
            let before = self.requests.iter().take(self.requests_before_end);
            let is_asked = before.map(|(_, at)| *at).any(|at| self.counts(at));
            is_over(
                ended,
                options.grace.or((!is_asked).then_some(DEFAULT_GRACE)),
            )
        });
        kill_after || grace
    }

    /// Promise 4: it comes.
    pub fn check_kill(&self, world: &World, over: bool) {
        if self.kill_is_due(world.now) && !over {
            assert!(self.has_killed, "promise 4: nobody is killed");
        }
    }

    /// Promise 8.
    pub fn check_end(&self, world: &World, over: bool) {
        if over && world.children().next().is_some() {
            assert!(
                self.kill_is_due(world.now),
                "promise 8: ended while a process lives"
            );
        }
    }

    /// Promise 1; a COMMAND that outlives its SIGKILL has no status.
    pub fn check_status(&self, status: u8) {
        let Some((ending, _)) = self.command else {
            return assert_eq!(status, 137, "promise 1");
        };
        let certain = self
            .failures
            .iter()
            .position(|(_, is_certain, _)| *is_certain);
        let last = certain.map_or(self.failures.len(), |place| place + 1);
        let mut possible = self.failures[..last].to_vec();
        if certain.is_none() {
            possible.push((ending, true, self.requests_before_end));
        }
        let mut possible = possible
            .iter()
            .map(|(ending, _, known)| self.status(*ending, *known));
        assert!(possible.any(|it| it == status), "promise 1: {status}");
    }

    fn status(&self, ending: Ending, requests_before: usize) -> u8 {
        let options = &self.setting.options;
        let mut requests = self.requests[..requests_before].iter();
        let is_answer = requests.any(|(arrived, at)| {
            let answers = |signal| ending.is_answer_to(signal);
            self.counts(*at) && arrived.forwarded.is_some_and(answers)
        });
        if options.zero_on_stop && is_answer || options.expected_exits.contains(ending.status()) {
            0
        } else {
            ending.status()
        }
    }
}
