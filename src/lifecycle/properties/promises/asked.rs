//! Who has been asked, and whose turn it is.

use super::{HEAD_START, Judge, TURNS};
use crate::ending::Ending;
use crate::lifecycle::Guess;
use crate::lifecycle::properties::world::{Process, Reached, World};
use crate::signal::Signal;
use crate::time::Time;

impl Judge<'_> {
    /// Whether a stop request from outside has reached that process.
    fn has_been_reached(&self, process: &Process, by: impl Fn(&Reached) -> bool) -> bool {
        process.reached.iter().any(|reached| {
            let born_before = process.started_at.tick() < reached.at.tick();
            by(reached)
                && self.is_stop(reached.received)
                && (born_before || !reached.with_group)
                && !process.ignored.contains(reached.sent)
                && !process.unreadable
        })
    }

    pub(super) fn has_been_asked(&self, process: &Process) -> bool {
        let counts = |reached: &Reached| self.counts(reached.at);
        process.asked || process.termed || self.has_been_reached(process, counts)
    }

    pub(super) fn has_had_term(&self, process: &Process) -> bool {
        let by_term = |it: &Reached| it.sent == self.term() && self.counts(it.at);
        process.termed || self.has_been_reached(process, by_term)
    }

    /// Whether it need not be asked any more. What reached it too long before COMMAND's end
    /// may count where the same was forwarded again in time, though past it.
    pub(super) fn may_be_spared(&self, process: &Process, by: impl Fn(&Reached) -> bool) -> bool {
        let before = &self.requests[..self.requests_before_end];
        let came_again = |sent: Signal| {
            let mut before = before.iter();
            before.any(|(arrived, at)| arrived.forwarded == Some(sent) && self.counts(*at))
        };
        let counts = |it: &Reached| self.counts(it.at) || came_again(it.sent);
        process.termed || self.has_been_reached(process, |it| by(it) && counts(it))
    }

    pub(super) fn is_guessed(&self, process: &Process, now: Time) -> bool {
        let is_in_time = now < self.ended().after(TURNS) && !self.runs_daemons();
        is_in_time
            && process.in_group
            && match self.guess {
                None => false,
                Some(Guess::Everybody) => true,
                Some(Guess::WhoCatches(signal)) => {
                    !process.unreadable && process.caught.contains(signal)
                }
            }
    }

    /// Promise 5.
    pub(super) fn is_turn_of(&self, world: &World, process: &Process) -> bool {
        let everybody = world.now >= self.ended().after(TURNS);
        let is_inherited = |process: &Process| !process.in_group && !process.detached;
        let inherited_left = world.children().any(is_inherited);
        let earlier_left = world.group_left() || process.detached && inherited_left;
        self.runs_daemons() || process.in_group || everybody || !earlier_left
    }

    /// Promise 6.
    pub(super) fn is_head_start(&self, now: Time) -> bool {
        let is_early = now < self.ended().after(HEAD_START);
        is_early && !self.runs_daemons() && !self.command_was_killed_alone()
    }

    /// By a stop request that has reached nobody else.
    fn command_was_killed_alone(&self) -> bool {
        let before = self.requests[..self.requests_before_end].iter();
        let mut forwarded = before.filter(|(it, at)| it.forwarded.is_some() && self.counts(*at));
        let killed_by =
            |signal| matches!(self.command, Some((Ending::Killed { by, .. }, _)) if by == signal);
        forwarded
            .next_back()
            .is_some_and(|(latest, _)| !latest.to_group && latest.forwarded.is_some_and(killed_by))
    }
}
