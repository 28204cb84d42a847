//! Decides from the world and its record alone whether each promise was kept. It knows the contract, not
//! the code. What cannot be told for sure, since two things happened at about the same time, is no breach;
//! and what must happen has a bound so generous that no load makes it late.

mod asked;
mod end;
mod history;

use std::time::Duration;

use crate::record::{Entry, Time};
use crate::world::{Actor, Disposition, Life, Parent, Place, To, World};
use history::{Biography, History, Received, Sent};

#[derive(Default, Debug)]
pub struct Verdict {
    pub broken: Vec<String>,
    pub owed: Vec<Owed>,
}

/// Something that has yet to happen, from then on, and is overdue at the end.
#[derive(Debug)]
pub struct Owed {
    pub from: Time,
}

const HEAD_START: Duration = Duration::from_millis(300);
const TURNS: Duration = Duration::from_secs(5);
const DEFAULT_GRACE: Duration = Duration::from_secs(10);
/// Orphans are looked for once a second.
const SCAN: Duration = Duration::from_secs(1);
/// So late nothing is on any machine.
const SLACK: Duration = Duration::from_secs(6);
/// Start times count ticks of 10 ms.
const TICK: Duration = Duration::from_millis(20);

/// `known`: until then the record is complete.
pub fn judge(world: &World, entries: &[Entry], known: Time, now: Time) -> Verdict {
    let mut judge = Judge {
        history: History::new(world, entries, known),
        world,
        now,
        verdict: Verdict::default(),
    };
    judge.status();
    for actor in 0..world.actors.len() {
        judge.forwarding(actor);
        judge.nobody_else(actor);
        judge.asked_once(actor);
        judge.asked_at_all(actor);
        judge.never_overruled(actor);
        judge.killing(actor);
        judge.reaping(actor);
    }
    judge.turns();
    judge.filters();
    judge.end();
    judge.quiet();
    judge.verdict
}

struct Judge<'a> {
    world: &'a World,
    history: History,
    now: Time,
    verdict: Verdict,
}

impl Judge<'_> {
    fn breach(&mut self, what: String) {
        self.verdict.broken.push(what);
    }

    /// Broken if it is overdue, and owed until then. Nothing is owed once everybody is sent home.
    fn owe(&mut self, from: Time, until: Time, what: impl FnOnce() -> String) {
        if self.now > until {
            self.breach(what());
        } else {
            self.verdict.owed.push(Owed { from });
        }
    }

    fn actor(&self, actor: usize) -> (&Actor, &Biography) {
        (&self.world.actors[actor], &self.history.actors[actor])
    }

    fn is_over(&self) -> bool {
        self.history.ended.is_some() || self.history.curfew.is_some()
    }

    fn stops(&self) -> impl Iterator<Item = &Sent> {
        let sent = self.history.sent.iter();
        sent.filter(|sent| self.world.is_stop(sent.signal))
    }

    /// Daemons are the work, COMMAND having ended well.
    fn runs_daemons(&self) -> bool {
        self.world.options.daemon && self.history.command().ending() == Some((Some(0), None))
    }

    /// Mapped by -z and -e.
    fn mapped(&self, (code, signal): (Option<i32>, Option<i32>), death: (Time, Time)) -> Vec<i32> {
        let options = &self.world.options;
        let status = code.unwrap_or_else(|| 128 + signal.unwrap_or(0));
        let unasked = if options.expect_exit == Some(status) {
            0
        } else {
            status
        };
        let answers = |sent: &&Sent| {
            sent.forwarded
                .is_some_and(|to| signal == Some(to) || code == Some(128 + to))
        };
        if !options.zero_on_stop {
            return vec![unasked];
        }
        // rinit may see it only after a later request.
        let maybe = self
            .stops()
            .filter(answers)
            .any(|sent| sent.at <= death.1 + SLACK);
        let keyed = self
            .history
            .keys
            .iter()
            .any(|(_, key)| signal == Some(*key));
        // Which may have come before COMMAND's end, when it was more than a dump of threads.
        let is_dump = |sent: &&Sent| self.runs_daemons() && sent.signal == libc::SIGQUIT;
        let mut meant = self.stops().filter(answers).filter(|sent| !is_dump(sent));
        let surely = meant.any(|sent| {
            let received = |received: &Received| Some(received.signal) == sent.forwarded;
            sent.seen.is_some_and(|seen| seen <= death.0)
                || self.history.command().received.iter().any(received)
        });
        match (surely, maybe || keyed) {
            (true, _) => vec![0],
            (false, true) => vec![0, unasked],
            (false, false) => vec![unasked],
        }
    }

    fn status(&mut self) {
        let Some((_, status)) = self.history.ended else {
            return;
        };
        let command = self.history.command();
        let (Some(ending), Some(death)) = (command.ending(), command.died) else {
            return;
        };
        let mut allowed = self.mapped(ending, death);
        if self.runs_daemons() {
            let mut must_fail = false;
            for (actor, life) in self.history.actors.iter().enumerate().skip(1) {
                let (Some(ending), Some(died), Some(born)) = (life.ending(), life.died, life.born)
                else {
                    continue;
                };
                if ending == (Some(0), None) || life.rinits.is_none() {
                    continue;
                }
                let entered = self.world.entered(actor);
                if entered && !self.guests_may_look_like_daemons(death.1) {
                    continue;
                }
                // Who was reaped when rinit saw the end of COMMAND was no daemon. A zombie that its
                // parent leaves to rinit may be one.
                if life.reaped.is_some_and(|(reaped, _)| reaped < death.0) {
                    continue;
                }
                let mapped = self.mapped(ending, died);
                // Who cannot be reached ends with rinit.
                let ends_with_rinit =
                    self.history.ever_blind() && ending == (None, Some(libc::SIGKILL));
                must_fail |= !entered
                    && !ends_with_rinit
                    && born + TICK < death.0
                    && life.rinits.is_some_and(|since| since < died.0)
                    && self.history.drains.is_some_and(|drains| died.0 > drains);
                allowed.extend(mapped);
            }
            if must_fail {
                allowed.remove(0);
            }
        }
        if !allowed.contains(&status) {
            self.breach(format!(
                "status: it exits with {status}, not with one of {allowed:?}"
            ));
        }
    }

    /// Who had entered before COMMAND ended, and become rinit's, cannot be told from a daemon, nor
    /// what that leaves behind; nor anybody without a descriptor for /proc.
    fn guests_may_look_like_daemons(&self, command_died: Time) -> bool {
        let looks_like_one = |(actor, life): (usize, &Biography)| {
            let born = life.entered.or(life.born);
            let is_older = born.is_some_and(|born| born <= command_died + TICK);
            self.world.entered(actor) && is_older
        };
        let mut lives = self.history.actors.iter().enumerate();
        self.history.ever_blind() || lives.any(looks_like_one)
    }

    /// Whether that signal, sent to rinit, was forwarded to that actor for sure.
    fn surely_forwarded(&self, sent: &Sent, actor: usize) -> bool {
        let (Some(forwarded), Some(seen)) = (sent.forwarded, sent.seen) else {
            return false;
        };
        let (_, life) = self.actor(actor);
        let is_target = if actor == 0 {
            true
        } else {
            self.world.in_group(actor)
                && self.world.goes_to_group(sent.signal, forwarded) == Some(true)
        };
        is_target
            && self.history.runs(seen)
            && life.ready.is_some_and(|ready| ready + TICK < sent.at)
            && self.history.lives_at(actor, sent.at)
            && !(self.world.is_stop(sent.signal) && self.may_wait_as_filter(actor))
    }

    /// It reads from a pipe, perhaps one that it has inherited.
    fn may_wait_as_filter(&self, actor: usize) -> bool {
        let described = &self.world.actors[actor];
        described.is_filter()
            || matches!(described.parent, Parent::Actor(parent) if self.may_wait_as_filter(parent))
    }

    /// All that goes to rinit reaches COMMAND's group, or COMMAND alone.
    fn forwarding(&mut self, actor: usize) {
        for sent in self.history.sent.clone() {
            let (described, life) = self.actor(actor);
            let (Some(forwarded), Some(seen)) = (sent.forwarded, sent.seen) else {
                continue;
            };
            let is_stop = self.world.is_stop(sent.signal);
            let may_be_stopped = life.was_stopped() || described.life == Life::Stopped;
            let goes_on = actor == 0 && is_stop && !life.may_stop_after(sent.at);
            if !described.notes(forwarded)
                || !self.surely_forwarded(&sent, actor)
                || life.must_have_got(forwarded, sent.at, sent.at)
                || life.died.is_some()
                || self.is_over()
                || may_be_stopped && !goes_on
            {
                continue;
            }
            let what = format!("forwarding: actor {actor} never gets {forwarded}");
            self.owe(seen, seen + SLACK, || what);
        }
    }

    /// Whose child it was then for sure.
    fn living_parent(&self, actor: usize, at: Time) -> Option<usize> {
        let Parent::Actor(parent) = self.world.actors[actor].parent else {
            return None;
        };
        let is_its = self.world.actors[actor].place != Place::Daemon;
        (is_its && self.history.lives_at(parent, at)).then_some(parent)
    }

    /// rinit has sent it while draining for sure: what was forwarded before may arrive late.
    fn is_from_drain(&self, received: Received) -> bool {
        let Some(drains) = self.history.drains.filter(|drains| *drains < received.at) else {
            return false;
        };
        let mut sent = self.history.sent.iter();
        sent.all(|sent| sent.at > drains || sent.forwarded != Some(received.signal))
    }

    /// While COMMAND runs nobody outside of its group is signalled; whoever entered, never.
    fn nobody_else(&mut self, actor: usize) {
        let (_, life) = self.actor(actor);
        let in_group = self.world.in_group(actor);
        for received in life.received.clone() {
            let (_, life) = self.actor(actor);
            let alone = |sent: &Sent| {
                let to_group = self.world.goes_to_group(sent.signal, received.signal);
                to_group == Some(false)
            };
            // Without a descriptor for /proc `auto` cannot see what COMMAND handles.
            let is_auto = matches!(self.world.options.forward_to, To::Auto | To::Tini);
            let is_known = !is_auto || !self.history.ever_blind();
            let same = |sent: &&Sent| sent.forwarded == Some(received.signal);
            let mut sent = self.history.sent.iter().filter(same).peekable();
            let all_alone = is_known && actor > 0 && sent.peek().is_some() && sent.all(alone);
            let outside = !in_group || all_alone;
            let is_early = |sent: &Sent| {
                sent.forwarded == Some(received.signal)
                    && life.ready.is_none_or(|ready| sent.at <= ready)
            };
            let was_inside = self.history.sent.iter().any(is_early) && !in_group;
            if outside && self.history.runs(received.at) && !was_inside {
                self.breach(format!(
                    "nobody else: actor {actor} gets {} while COMMAND runs",
                    received.signal
                ));
            } else if self.world.no_proc {
                // Then all are asked, where they can be.
            } else if self.world.entered(actor) && life.rinits.is_none() {
                self.breach(format!(
                    "nobody else: actor {actor}, who entered, gets {}",
                    received.signal
                ));
            }
            let parent = self.living_parent(actor, received.at);
            if let (false, Some(parent), true) =
                (self.world.no_proc, parent, self.is_from_drain(received))
            {
                self.breach(format!(
                    "nobody else: actor {actor} gets {}, though actor {parent} is there to stop it",
                    received.signal
                ));
            }
            let explained = self
                .history
                .sent
                .iter()
                .any(|sent| sent.forwarded == Some(received.signal));
            if !explained && !self.is_own(received.signal) {
                self.breach(format!(
                    "nobody else: actor {actor} gets {}, which nobody has sent",
                    received.signal
                ));
            }
        }
    }
}
