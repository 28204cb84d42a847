//! Decides from the world and its record alone whether each promise was kept. It knows the contract, not
//! the code. What cannot be told for sure, since two things happened at about the same time, is no breach;
//! and what must happen has a bound so generous that no load makes it late.

use std::time::Duration;

use crate::record::{Entry, Fact, Time};
use crate::world::{Actor, Disposition, Life, Parent, Place, To, World};

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

pub fn judge(world: &World, entries: &[Entry], now: Time) -> Verdict {
    let mut judge = Judge {
        history: History::new(world, entries),
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

/// A signal that the director has sent to rinit.
#[derive(Clone, Copy)]
struct Sent {
    signal: i32,
    /// What rinit makes of it.
    forwarded: Option<i32>,
    at: Time,
    /// By then rinit had seen to it.
    seen: Option<Time>,
    /// A key at the terminal, which rinit is sent only while its own group has the terminal.
    perhaps: bool,
}

#[derive(Clone, Copy)]
struct Received {
    at: Time,
    signal: i32,
}

#[derive(Default, Clone)]
struct Biography {
    pid: i32,
    /// Its parent has it; this is when it was there.
    born: Option<Time>,
    ready: Option<Time>,
    /// It lived then, and was dead then.
    died: Option<(Time, Time)>,
    reaped: Option<(Time, i32)>,
    /// From when on it was rinit's child for sure.
    rinits: Option<Time>,
    /// From rinit.
    received: Vec<Received>,
    /// The director or another actor has sent it something, or stopped it.
    hit: Vec<(Time, i32)>,
    last: Time,
}

struct History {
    actors: Vec<Biography>,
    sent: Vec<Sent>,
    keys: Vec<(Time, i32)>,
    /// When rinit had surely seen that COMMAND had ended.
    drains: Option<Time>,
    starved: bool,
    ever_starved: bool,
    curfew: Option<Time>,
    ended: Option<(Time, i32)>,
    woken: Vec<(Time, u64)>,
    stays_stopped: bool,
}

impl History {
    fn new(world: &World, entries: &[Entry]) -> History {
        let mut history = History {
            actors: vec![Biography::default(); world.actors.len()],
            sent: Vec::new(),
            keys: Vec::new(),
            drains: None,
            starved: false,
            ever_starved: false,
            curfew: None,
            ended: None,
            woken: Vec::new(),
            stays_stopped: false,
        };
        let rinit = if world.beside_pid_1 { 2 } else { 1 };
        for entry in entries {
            let at = entry.at;
            if let Some(by) = entry.by {
                history.actors[by].last = at;
            }
            match (entry.by, entry.fact) {
                (Some(by), Fact::Born { pid }) => {
                    history.actors[by].pid = pid;
                    history.actors[by].born = Some(at);
                }
                (Some(by), Fact::Ready) => {
                    history.actors[by].ready = Some(at);
                    if by == 0 {
                        history.actors[by].rinits = Some(at);
                    }
                }
                (Some(_), Fact::Detached(child)) => history.actors[child].rinits = Some(at),
                (Some(by), Fact::Received { signal, code, from }) => {
                    // A process in a namespace of its own does not see who sends from outside;
                    // and with one in the group, the kernel hides the sender from the others too.
                    let is_nested = |actor: &Actor| actor.place == Place::Nested;
                    let hidden = from == 0 && world.actors.iter().any(is_nested);
                    let hits = &history.actors[by].hit;
                    let is_hit = hidden && hits.iter().any(|(_, hit)| *hit == signal);
                    let is_rinits = from == rinit || hidden;
                    if is_rinits && !is_hit && code <= 0 {
                        history.actors[by].received.push(Received { at, signal });
                    }
                }
                (Some(by), Fact::PassesOn { signal }) => {
                    for child in world.children(by) {
                        history.actors[child].hit.push((at, signal));
                    }
                }
                (_, Fact::Hits { actor, signal }) => history.actors[actor].hit.push((at, signal)),
                (_, Fact::Signals { signal }) => history.sent.push(Sent {
                    signal,
                    forwarded: world.forwarded(signal),
                    at,
                    seen: None,
                    perhaps: false,
                }),
                (_, Fact::Presses { signal }) => {
                    history.keys.push((at, signal));
                    history.sent.push(Sent {
                        signal,
                        forwarded: world.forwarded(signal),
                        at,
                        seen: None,
                        perhaps: true,
                    });
                }
                (_, Fact::Idle) => {
                    for sent in history.sent.iter_mut().filter(|sent| !sent.perhaps) {
                        sent.seen.get_or_insert(at);
                    }
                    if history.actors[0].reaped.is_some() {
                        history.drains.get_or_insert(at);
                    }
                }
                (_, Fact::Dead { actor, alive_at }) => {
                    let alive_at = alive_at.max(history.actors[actor].last);
                    history.actors[actor].died = Some((alive_at, at));
                }
                (_, Fact::Reaped { actor, status }) => {
                    history.actors[actor].reaped = Some((at, status));
                }
                (_, Fact::Starves(on)) => {
                    history.starved = on;
                    history.ever_starved |= on;
                }
                (_, Fact::Woken { times }) => history.woken.push((at, times)),
                (_, Fact::StaysStopped(_)) => history.stays_stopped = true,
                (_, Fact::Curfew) => history.curfew = Some(at),
                (_, Fact::RinitEnded { status }) => history.ended = Some((at, status)),
                _ => {}
            }
        }
        // Whose parent dies is rinit's from then on, unless it came from outside, beside PID 1.
        for actor in 0..world.actors.len() {
            if let Parent::Actor(parent) = world.actors[actor].parent {
                let died = history.actors[parent].died;
                let is_ours = !world.entered(actor) || !world.beside_pid_1;
                if let (None, Some((_, dead)), true) = (history.actors[actor].rinits, died, is_ours)
                {
                    let born = history.actors[actor].born;
                    history.actors[actor].rinits = born.map(|born| born.max(dead));
                }
            }
        }
        history
    }

    fn command(&self) -> &Biography {
        &self.actors[0]
    }

    /// COMMAND lived then for sure.
    fn runs(&self, at: Time) -> bool {
        self.command().died.is_none_or(|(alive, _)| at <= alive)
    }
}

impl Biography {
    /// How it ended, where it did.
    fn ending(&self) -> Option<(Option<i32>, Option<i32>)> {
        let (_, status) = self.reaped?;
        if libc::WIFSIGNALED(status) {
            Some((None, Some(libc::WTERMSIG(status))))
        } else {
            Some((Some(libc::WEXITSTATUS(status)), None))
        }
    }

    fn lives_at(&self, at: Time) -> bool {
        self.died.is_none_or(|(alive, _)| at <= alive)
    }

    fn has_got(&self, signal: i32, from: Time) -> bool {
        self.received
            .iter()
            .any(|received| received.signal == signal && received.at >= from)
    }

    fn was_stopped(&self) -> bool {
        self.hit.iter().any(|(_, signal)| *signal == libc::SIGSTOP)
    }
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
        let surely = self.stops().filter(answers).any(|sent| {
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
                // Who was dead when rinit saw the end of COMMAND was no daemon; or just became one.
                if died.1 < death.0 {
                    continue;
                }
                let mapped = self.mapped(ending, died);
                must_fail |= !entered
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
            let is_older = life.born.is_some_and(|born| born <= command_died + TICK);
            self.world.entered(actor) && is_older
        };
        let mut lives = self.history.actors.iter().enumerate();
        self.history.ever_starved || lives.any(looks_like_one)
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
            && life.lives_at(sent.at)
            && !(self.world.is_stop(sent.signal) && self.may_wait_as_filter(actor))
    }

    /// It reads from a pipe, perhaps.
    fn may_wait_as_filter(&self, actor: usize) -> bool {
        self.world.actors[actor].is_filter()
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
            let goes_on = actor == 0 && is_stop;
            if !described.notes(forwarded)
                || !self.surely_forwarded(&sent, actor)
                || life.has_got(forwarded, sent.at)
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
            let is_known = self.world.options.forward_to != To::Auto || !self.history.ever_starved;
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
            } else if self.world.entered(actor) && life.rinits.is_none_or(|since| since > self.now)
            {
                self.breach(format!(
                    "nobody else: actor {actor}, who entered, gets {}",
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

    /// Whether rinit may ask with it though nobody else has.
    fn is_own(&self, signal: i32) -> bool {
        [Some(libc::SIGTERM), self.world.forwarded(libc::SIGTERM)].contains(&Some(signal))
    }

    /// Reached by a stop request for sure while COMMAND ran.
    fn was_reached(&self, actor: usize) -> bool {
        let reached = |sent: &&Sent| {
            let forwarded = sent.forwarded.unwrap_or(0);
            self.surely_forwarded(sent, actor) && !self.world.actors[actor].ignores(forwarded)
        };
        self.stops().any(|sent| reached(&sent))
    }

    /// rinit asks on its own only those that nobody has asked, once, and not before the head start is over.
    fn asked_once(&mut self, actor: usize) {
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
                !(sent.signal == libc::SIGTERM && is_late && life.received.iter().any(had))
            })
            .count()
        };
        let own = usize::from(!self.was_reached(actor));
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
                let Some((alive, _)) = command_died else {
                    breaches.push(format!(
                        "head start: actor {actor} is asked while COMMAND runs"
                    ));
                    continue;
                };
                let guessed = described.notes(last.signal) && self.is_guess(actor);
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
                if let (&[request], true) = (with.as_slice(), all_before) {
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
    fn was_killed_alone(&self) -> bool {
        let Some((None, Some(by))) = self.history.command().ending() else {
            return false;
        };
        self.stops().any(|sent| {
            let to_group = self.world.goes_to_group(sent.signal, by);
            sent.forwarded == Some(by) && to_group != Some(true)
        })
    }

    /// COMMAND was killed by a key that its whole group has had, or by a forwarded signal that asks for no stop.
    fn is_guess(&self, actor: usize) -> bool {
        let Some((None, Some(by))) = self.history.command().ending() else {
            return false;
        };
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
                && sent
                    .seen
                    .is_some_and(|seen| self.history.drains.is_some_and(|drains| seen <= drains))
        });
        let stop = self.stops().next().is_some() || raised || hit;
        forwarded && !stop && self.world.in_group(actor) && self.world.actors[actor].catches(by)
    }

    /// Whose turn it is, and since when: after those before it, or 5 s after COMMAND's end.
    fn turn_of(&self, actor: usize) -> (Time, Time) {
        let (_, dead) = self.history.command().died.unwrap_or_default();
        let since = self.history.actors[actor]
            .rinits
            .unwrap_or_default()
            .max(dead);
        if self.runs_daemons() {
            return (since, since + SCAN + SLACK);
        }
        let filter = self.world.actors.iter().any(Actor::is_filter);
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
    fn asked_at_all(&mut self, actor: usize) {
        let (described, life) = self.actor(actor);
        let (Some(_), Some(_), None) = (life.rinits, life.ready, life.died) else {
            return;
        };
        if actor == 0 || self.is_over() || self.history.starved || self.history.drains.is_none() {
            return;
        }
        // Daemons are the work.
        if self.runs_daemons()
            && !self
                .stops()
                .any(|sent| sent.signal != libc::SIGQUIT && sent.forwarded.is_some())
        {
            return;
        }
        let with = self.stops().filter_map(|sent| sent.forwarded);
        let asked: Vec<i32> = with.chain([libc::SIGTERM]).collect();
        let may_have_been = |sent: &Sent| {
            sent.forwarded
                .is_some_and(|forwarded| !described.ignores(forwarded))
                && self.world.in_group(actor)
        };
        let answers = asked.iter().all(|signal| {
            described.notes(*signal)
                || described.on(*signal) == Disposition::Default
                    && described.place != Place::Nested
                    && ![libc::SIGWINCH].contains(signal)
        });
        if self.stops().any(may_have_been)
            || asked.iter().any(|signal| life.has_got(*signal, Time::ZERO))
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
    fn never_overruled(&mut self, actor: usize) {
        for sent in self.history.sent.clone() {
            let (described, life) = self.actor(actor);
            let (Some(forwarded), Some(drains), Some(since)) =
                (sent.forwarded, self.history.drains, life.rinits)
            else {
                continue;
            };
            let is_term = sent.signal == libc::SIGTERM;
            if actor == 0
                || sent.perhaps
                || sent.at < drains
                || since + SCAN > sent.at
                || life.ready.is_none_or(|ready| ready > sent.at)
                || life.died.is_some()
                || self.is_over()
                || self.history.ever_starved
                || !described.notes(forwarded)
                || life.has_got(forwarded, if is_term { Time::ZERO } else { sent.at })
                || self.runs_daemons()
                || (life.was_stopped() || described.life == Life::Stopped) && !is_term
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

    fn was_reached_by(&self, actor: usize, forwarded: i32) -> bool {
        let mut stops = self.history.sent.iter();
        stops.any(|sent| {
            sent.forwarded == Some(forwarded)
                && self.history.drains.is_some_and(|drains| sent.at < drains)
        }) && self.world.in_group(actor)
    }

    /// When what is left may be killed at the earliest, and must be at the latest.
    fn deadline(&self) -> (Option<Time>, Option<Time>) {
        let options = &self.world.options;
        let ms = |ms: u32| Duration::from_millis(ms.into());
        let first = self.stops().find(|sent| sent.signal != libc::SIGQUIT);
        let kill_after = options
            .kill_after_ms
            .and_then(|after| Some(first?.at + ms(after)));
        let kill_after_latest = options
            .kill_after_ms
            .and_then(|after| Some(first?.seen? + ms(after)));
        let died = self.history.command().died;
        let (grace, grace_latest) = if self.runs_daemons() {
            let grace = options.grace_ms.and_then(|grace| {
                let (alive, _) = died?;
                Some(first?.at.max(alive) + ms(grace))
            });
            (grace, None)
        } else {
            let asked = self.stops().next().is_some();
            let default = (!asked).then_some(DEFAULT_GRACE);
            let grace = options.grace_ms.map(ms);
            (
                // A request that comes after COMMAND's end changes nothing.
                grace
                    .or(Some(DEFAULT_GRACE))
                    .and_then(|grace| Some(died?.0 + grace)),
                grace.or(default).and_then(|grace| Some(died?.1 + grace)),
            )
        };
        let earliest = [grace, kill_after].into_iter().flatten().min();
        let latest = [grace_latest, kill_after_latest]
            .into_iter()
            .flatten()
            .min();
        (earliest, latest)
    }

    fn killing(&mut self, actor: usize) {
        let (_, life) = self.actor(actor);
        let (earliest, latest) = self.deadline();
        let is_killed = life.ending() == Some((None, Some(libc::SIGKILL)));
        let hit = life.hit.iter().any(|(_, signal)| *signal == libc::SIGKILL);
        let ours = !self.world.entered(actor);
        if let (true, false, true, Some((_, dead))) = (is_killed, hit, ours, life.died) {
            if earliest.is_none_or(|earliest| dead < earliest) {
                let when = if self
                    .history
                    .ended
                    .is_some_and(|(at, _)| at >= dead && dead + Duration::from_millis(50) > at)
                {
                    "left alive, or killed"
                } else {
                    "killed"
                };
                self.breach(format!(
                    "killing: actor {actor} is {when} before any deadline"
                ));
            }
        }
        let (described, life) = self.actor(actor);
        if let (Some(latest), None, Some(_), true) = (latest, life.died, life.born, ours) {
            if self.history.ended.is_none() && described.place != Place::Nested {
                self.owe(latest, latest + SLACK, || {
                    format!("killing: actor {actor} lives on after the deadline")
                });
            }
        }
    }

    fn reaping(&mut self, actor: usize) {
        let (_, life) = self.actor(actor);
        let (Some((_, dead)), None, Some(since)) = (life.died, life.reaped, life.rinits) else {
            return;
        };
        if self.history.ended.is_none() {
            let from = dead.max(since);
            self.owe(from, from + SLACK, || {
                format!("reaping: actor {actor} stays a zombie")
            });
        }
    }

    /// COMMAND's group first; what was detached before the stop request last.
    fn turns(&mut self) {
        let Some((_, command_dead)) = self.history.command().died else {
            return;
        };
        if self.runs_daemons() {
            return;
        }
        let first_stop = self.stops().map(|sent| sent.at).min();
        let turn = |actor: usize| -> Option<u8> {
            let (described, life) = (&self.world.actors[actor], &self.history.actors[actor]);
            let since = life.rinits?;
            if self.world.in_group(actor) {
                return Some(0);
            }
            match first_stop {
                Some(stop) if since + SCAN < stop && described.place == Place::Daemon => Some(2),
                Some(stop) if since < stop => None,
                _ => Some(1),
            }
        };
        let mut breaches = Vec::new();
        let actors = 0..self.world.actors.len();
        for later in actors.clone() {
            let Some(asked) = self.history.actors[later].received.iter().find(|received| {
                let stops = self
                    .stops()
                    .any(|sent| sent.forwarded == Some(received.signal));
                // A signal other than SIGTERM goes to everybody at once.
                let is_turns = self.history.sent.iter().all(|sent| {
                    sent.forwarded != Some(received.signal) || sent.signal == libc::SIGTERM
                });
                is_turns
                    && (stops || received.signal == libc::SIGTERM)
                    && received.at > command_dead
            }) else {
                continue;
            };
            for earlier in actors.clone() {
                let (Some(late), Some(early)) = (turn(later), turn(earlier)) else {
                    continue;
                };
                let life = &self.history.actors[earlier];
                let is_there = life.rinits.is_some_and(|since| since < command_dead)
                    && life.ready.is_some_and(|ready| ready < command_dead);
                let alive = self
                    .history
                    .command()
                    .died
                    .map(|(alive, _)| alive)
                    .unwrap_or_default();
                if early < late
                    && earlier > 0
                    && is_there
                    && life.lives_at(asked.at)
                    && asked.at < alive + TURNS
                {
                    breaches.push(format!(
                        "turns: actor {later} is asked while actor {earlier}, whose turn is before, lives"
                    ));
                }
            }
        }
        self.verdict.broken.extend(breaches);
    }

    /// While COMMAND runs, a filter is asked to stop only when its writers are gone.
    fn filters(&mut self) {
        for writer in 0..self.world.actors.len() {
            let Some(filter) = self.world.actors[writer].writes_to else {
                continue;
            };
            let (life, writes) = (&self.history.actors[filter], &self.history.actors[writer]);
            let is_told = |received: &&Received| {
                let matching = |sent: &Sent| sent.forwarded == Some(received.signal);
                let sent = self.history.sent.iter().filter(|sent| matching(sent));
                // Told for sure as one of the group, and of a stop.
                let mut sent = sent.peekable();
                sent.peek().is_some()
                    && sent.all(|sent| {
                        self.world.is_stop(sent.signal)
                            && self.surely_forwarded(sent, writer)
                            && life.ready.is_some_and(|ready| ready + TICK < sent.at)
                    })
            };
            let early =
                life.received.iter().filter(is_told).find(|received| {
                    self.history.runs(received.at) && writes.lives_at(received.at)
                });
            if let Some(received) = early {
                let what = format!(
                    "filters: actor {filter} gets {} while actor {writer}, which writes to it, lives",
                    received.signal
                );
                self.breach(what);
            }
        }
    }

    /// It ends when there is nothing left to wait for.
    fn end(&mut self) {
        if self.history.ended.is_some() {
            return;
        }
        // Of those that entered, their orphans alone.
        let is_ours = |actor: &usize| {
            !self.world.entered(*actor) || self.history.actors[*actor].rinits.is_some()
        };
        let ours = (0..self.world.actors.len()).filter(is_ours);
        let lives: Vec<&Biography> = ours.map(|actor| &self.history.actors[actor]).collect();
        let all_dead = lives
            .iter()
            .all(|life| life.born.is_none() || life.died.is_some());
        let last = lives
            .iter()
            .filter_map(|life| life.died)
            .map(|(_, dead)| dead)
            .max();
        if let (true, Some(last), true) = (all_dead, last, self.history.command().died.is_some()) {
            let last = last.max(self.history.curfew.unwrap_or_default());
            self.owe(last, last + SLACK, || {
                "end: rinit goes on although nobody is left".into()
            });
        } else if let Some(curfew) = self.history.curfew {
            self.owe(curfew, curfew + SLACK * 3, || {
                "end: a process does not end by itself".into()
            });
        }
    }

    fn quiet(&mut self) {
        let woken = self.history.woken.clone();
        for (at, times) in woken {
            let is_quiet = self.history.runs(at) && self.stops().all(|sent| sent.at > at);
            let most = if is_quiet { 1 } else { 5 };
            if times > most {
                self.breach(format!(
                    "idle: rinit is woken {times} times in 60 ms although nothing happens"
                ));
            }
        }
        if self.history.stays_stopped && !self.world.beside_pid_1 {
            self.breach("terminal: Ctrl-Z stops COMMAND for good".into());
        }
    }
}
