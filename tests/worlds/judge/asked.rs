//! Who is asked: once, in time, with what, and whoever asks from outside is never overruled.

use std::time::Duration;

use super::*;
use crate::world::{Event, Key, What};

impl Judge<'_> {
    /// Whether rinit may ask with it though nobody else has.
    pub(super) fn is_own(&self, signal: i32) -> bool {
        [Some(libc::SIGTERM), self.world.forwarded(libc::SIGTERM)].contains(&Some(signal))
    }

    /// Reached by a stop request for sure while COMMAND ran.
    pub(super) fn was_reached(&self, actor: usize) -> bool {
        let reached = |sent: &&Sent| {
            let forwarded = sent.forwarded.unwrap_or(0);
            self.surely_forwarded(sent, actor) && !self.world.actors[actor].ignores(forwarded)
        };
        self.stops().any(|sent| reached(&sent))
    }

    /// rinit asks on its own only those that nobody has asked, once, and not before the head start is over.
    pub(super) fn asked_once(&mut self, actor: usize) {
        let (described, life) = self.actor(actor);
        let asks = |signal: i32| {
            self.is_own(signal) || self.stops().any(|sent| sent.forwarded == Some(signal))
        };
        let received: Vec<Received> = life
            .received
            .iter()
            .copied()
            .filter(|received| asks(received.signal))
            .collect();
        let forwards = |signal: Option<i32>, by: Time| {
            let sent = self.history.sent.iter().filter(|sent| sent.at <= by);
            sent.filter(|sent| {
                sent.forwarded
                    .is_some_and(|to| signal.is_none_or(|signal| signal == to) && asks(to))
            })
            // A second one is withheld.
            .filter(|sent| {
                let is_late = self.history.drains.is_some_and(|drains| drains < sent.at);
                let had = |received: &Received| {
                    Some(received.signal) == sent.forwarded && received.at < sent.at
                };
                !(sent.signal == libc::SIGTERM
                    && is_late
                    && !self.world.no_proc
                    && life.received.iter().any(had))
            })
            .count()
        };
        // Who asks everybody at once spares nobody.
        let own = usize::from(self.world.no_proc || !self.was_reached(actor));
        let command_died = self.history.command().died;
        let mut breaches = Vec::new();
        for (place, last) in received.iter().enumerate() {
            let same = received[..=place]
                .iter()
                .filter(|it| it.signal == last.signal)
                .count();
            let at_all = forwards(None, last.at);
            let of_kind = forwards(Some(last.signal), last.at);
            if place + 1 > at_all + own || same > of_kind + own {
                breaches.push(format!(
                    "asked once: actor {actor} is asked {} times, with {} at last, though {at_all} requests came from outside{}",
                    place + 1,
                    last.signal,
                    if own == 0 { " and reached it" } else { "" }
                ));
                break;
            }
            let is_own = same > of_kind;
            if let (true, false) = (is_own, self.runs_daemons()) {
                if self.history.runs(last.at) {
                    breaches.push(format!(
                        "head start: actor {actor} is asked while COMMAND runs"
                    ));
                }
                let Some((alive, _)) = command_died else {
                    continue;
                };
                let guessed = self.is_guess(actor);
                let wait = match (guessed, self.was_killed_alone()) {
                    (true, _) => TURNS,
                    (false, true) => Duration::ZERO,
                    (false, false) => HEAD_START,
                };
                if last.at < alive + wait {
                    breaches.push(format!(
                        "head start: actor {actor} is asked within {wait:?} of COMMAND's end"
                    ));
                }
                // What it is asked with.
                let with: Vec<i32> = self.stops().filter_map(|sent| sent.forwarded).collect();
                let all_before = self
                    .stops()
                    .all(|sent| sent.seen.is_some_and(|seen| self.history.runs(seen)));
                let is_seen = !self.history.ever_blind();
                if let (&[request], true, true) = (with.as_slice(), all_before, is_seen) {
                    if described.catches(request) && last.signal != request {
                        breaches.push(format!(
                            "request: actor {actor} catches {request}, and is asked with {}",
                            last.signal
                        ));
                    }
                }
            }
        }
        self.verdict.broken.extend(breaches);
    }

    /// COMMAND was killed by a stop request that has perhaps reached nobody else.
    pub(super) fn was_killed_alone(&self) -> bool {
        let Some((None, Some(by))) = self.history.command().ending() else {
            return false;
        };
        self.stops().any(|sent| {
            let to_group = self.world.goes_to_group(sent.signal, by);
            sent.forwarded == Some(by) && to_group != Some(true)
        })
    }

    /// COMMAND was killed by a key that its whole group has had, or by a forwarded signal that asks for no stop.
    pub(super) fn is_guess(&self, actor: usize) -> bool {
        let Some((None, Some(by))) = self.history.command().ending() else {
            return false;
        };
        if !self.world.in_group(actor) {
            return false;
        }
        if self.is_key_guess(by) {
            return true;
        }
        let raised = self.world.actors[0].on(by) != Disposition::Default;
        let hit = self
            .history
            .command()
            .hit
            .iter()
            .any(|(_, signal)| *signal == by);
        let forwarded = self.history.sent.iter().any(|sent| {
            sent.forwarded == Some(by)
                && !self.world.is_stop(sent.signal)
                && self.world.goes_to_group(sent.signal, by) == Some(true)
                && sent
                    .seen
                    .is_some_and(|seen| self.history.drains.is_some_and(|drains| seen <= drains))
        });
        let stop = self.stops().next().is_some() || raised || hit;
        let is_seen = !self.history.ever_blind();
        forwarded && !stop && is_seen && self.world.actors[actor].catches(by)
    }

    /// COMMAND was killed by a key, with its group in the foreground for sure.
    fn is_key_guess(&self, by: i32) -> bool {
        let died = self.history.command().died;
        let is_key =
            |(at, key): &(Time, i32)| *key == by && died.is_some_and(|(_, dead)| *at < dead);
        let moves_the_foreground = |event: &Event| {
            matches!(
                event.what,
                What::Key(Key::CtrlZ | Key::HangUp) | What::Hit(..)
            )
        };
        let may_be_sent = |sent: &Sent| !sent.perhaps && sent.forwarded == Some(by);
        [libc::SIGINT, libc::SIGQUIT].contains(&by)
            && self.history.keys.iter().any(is_key)
            && !self.history.sent.iter().any(may_be_sent)
            && !self.world.events.iter().any(moves_the_foreground)
            && self
                .world
                .actors
                .iter()
                .all(|actor| actor.life != Life::Stopped)
    }

    /// Whose turn it is, and since when: after those before it, or 5 s after COMMAND's end.
    pub(super) fn turn_of(&self, actor: usize) -> (Time, Time) {
        let (_, dead) = self.history.command().died.unwrap_or_default();
        let since = self.history.actors[actor]
            .rinits
            .unwrap_or_default()
            .max(dead);
        if self.runs_daemons() {
            return (since, since + SCAN + SLACK);
        }
        let filter = self.world.no_proc || self.world.actors.iter().any(Actor::is_filter);
        let guess = self
            .history
            .command()
            .ending()
            .is_some_and(|(_, signal)| signal.is_some());
        // Those that may have their turn before it, and when the last of them was gone.
        let before = (0..self.world.actors.len()).filter(|other| {
            let is_known = self.history.actors[*other].born.is_some();
            let in_group = self.world.in_group(*other);
            is_known && *other != actor && (in_group || !self.world.in_group(actor))
        });
        let before: Vec<&Biography> = before.map(|other| &self.history.actors[other]).collect();
        let alone = before.iter().all(|other| other.died.is_some());
        let last = before
            .iter()
            .filter_map(|other| other.died)
            .map(|(_, dead)| dead)
            .max();
        if !filter && (self.world.in_group(actor) && !guess || alone) {
            let since = since.max(
                last.filter(|_| !self.world.in_group(actor))
                    .unwrap_or_default(),
            );
            return (
                since.max(dead + HEAD_START),
                since + HEAD_START + SCAN + SLACK,
            );
        }
        let late = if filter { TURNS * 2 } else { TURNS };
        (
            since.max(dead + late),
            since.max(dead + late) + SCAN + SLACK,
        )
    }

    /// Whoever is left, and has not been asked, is.
    pub(super) fn asked_at_all(&mut self, actor: usize) {
        let (described, life) = self.actor(actor);
        let (Some(_), Some(_), None) = (life.rinits, life.ready, life.died) else {
            return;
        };
        if actor == 0 || self.is_over() || self.history.starved || self.history.drains.is_none() {
            return;
        }
        // Without /proc all are asked at once, who are there.
        let is_there = |ready: Time| self.history.drains.is_some_and(|drains| ready < drains);
        if self.world.no_proc && !life.ready.is_some_and(is_there) {
            return;
        }
        // Nobody but COMMAND's group can be reached.
        if self.world.no_proc && self.world.beside_pid_1 && !self.world.in_group(actor) {
            return;
        }
        // Daemons are the work.
        if self.runs_daemons()
            && !self.stops().any(|sent| {
                !sent.perhaps && sent.signal != libc::SIGQUIT && sent.forwarded.is_some()
            })
        {
            return;
        }
        let with = self.stops().filter_map(|sent| sent.forwarded);
        let own = self.world.forwarded(libc::SIGTERM);
        let asked: Vec<i32> = with.chain([libc::SIGTERM]).chain(own).collect();
        let may_have_been = |sent: &Sent| {
            sent.forwarded
                .is_some_and(|forwarded| !described.ignores(forwarded))
                && self.world.in_group(actor)
        };
        // Where it stops itself before it takes the signal, it does not answer.
        let may_miss = |signal: i32| {
            described.life == Life::Stopped && matches!(described.on(signal), Disposition::Wait(_))
        };
        let answers = asked.iter().all(|signal| {
            described.notes(*signal) && !may_miss(*signal)
                || described.on(*signal) == Disposition::Default
                    && described.place != Place::Nested
                    && ![libc::SIGWINCH].contains(signal)
        });
        if life.rinits.is_none_or(|since| life.may_stop_after(since))
            || self.stops().any(may_have_been)
            || asked
                .iter()
                .any(|signal| life.must_have_got(*signal, Time::ZERO, self.turn_of(actor).0))
            || !answers
        {
            return;
        }
        let (from, until) = self.turn_of(actor);
        self.owe(from, until, || {
            format!("asked at all: actor {actor} is left, and never asked")
        });
    }

    /// A SIGTERM from outside that comes while draining reaches each child that has not had it; anything else each child.
    pub(super) fn never_overruled(&mut self, actor: usize) {
        for sent in self.history.sent.clone() {
            let (described, life) = self.actor(actor);
            let (Some(forwarded), Some(drains), Some(since)) =
                (sent.forwarded, self.history.drains, life.rinits)
            else {
                continue;
            };
            let is_term = sent.signal == libc::SIGTERM;
            // Who does not catch what SIGTERM is rewritten to was asked by SIGTERM in its place.
            let since_when = if is_term { Time::ZERO } else { sent.at };
            let had_it = |signal| life.must_have_got(signal, since_when, sent.at);
            if actor == 0
                || sent.perhaps
                || sent.at < drains
                || since > sent.at
                || life.ready.is_none_or(|ready| ready > sent.at)
                || life.died.is_some()
                || self.is_over()
                || self.history.ever_blind()
                || !described.notes(forwarded)
                || had_it(forwarded)
                || is_term && had_it(libc::SIGTERM)
                || self.runs_daemons()
                || life.may_stop_after(sent.at)
                || life.was_stopped() && !self.world.is_stop(sent.signal)
                || described.life == Life::Stopped
                    && !(self.world.is_stop(sent.signal) && described.catches(forwarded))
                || is_term && self.was_reached_by(actor, forwarded)
            {
                continue;
            }
            let what = format!(
                "never overruled: actor {actor} never gets the {forwarded} that came while draining"
            );
            if is_term {
                let (from, until) = self.turn_of(actor);
                self.owe(from.max(sent.at), until.max(sent.at + SLACK), || what);
            } else {
                self.owe(sent.at, sent.at + SLACK, || what);
            }
        }
    }

    pub(super) fn was_reached_by(&self, actor: usize, forwarded: i32) -> bool {
        let mut stops = self.history.sent.iter();
        stops.any(|sent| {
            sent.forwarded == Some(forwarded)
                && self.history.drains.is_some_and(|drains| sent.at < drains)
        }) && self.world.in_group(actor)
    }
}
