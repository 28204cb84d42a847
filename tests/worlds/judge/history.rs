//! What the record says of rinit and of each actor.

use std::time::Duration;

use crate::record::{Entry, Fact, Time};
use crate::world::{Actor, Parent, Place, World};

/// A signal that the director has sent to rinit.
#[derive(Clone, Copy)]
pub struct Sent {
    pub signal: i32,
    /// What rinit makes of it.
    pub forwarded: Option<i32>,
    pub at: Time,
    /// By then rinit had seen to it.
    pub seen: Option<Time>,
    /// A key at the terminal, which rinit is sent only while its own group has the terminal.
    pub perhaps: bool,
}

#[derive(Clone, Copy)]
pub struct Received {
    pub at: Time,
    pub signal: i32,
}

#[derive(Default, Clone)]
pub struct Biography {
    pub pid: i32,
    /// Somebody outside began to bring it in: it may be there since then.
    pub entered: Option<Time>,
    /// Its parent has it; this is when it was there.
    pub born: Option<Time>,
    pub ready: Option<Time>,
    /// It lived then, and was dead then.
    pub died: Option<(Time, Time)>,
    pub reaped: Option<(Time, i32)>,
    /// From when on it was rinit's child for sure.
    pub rinits: Option<Time>,
    /// From rinit.
    pub received: Vec<Received>,
    /// From whomever: the kernel keeps one of several that are pending.
    pub noted: Vec<Received>,
    /// The director or another actor has sent it something.
    pub hit: Vec<(Time, i32)>,
    /// It was seen stopped, by SIGSTOP.
    pub stopped: Option<Time>,
    pub last: Time,
}

pub struct History {
    pub actors: Vec<Biography>,
    pub sent: Vec<Sent>,
    pub keys: Vec<(Time, i32)>,
    /// When rinit had surely seen that COMMAND had ended.
    pub drains: Option<Time>,
    pub starved: bool,
    /// Since when rinit may not have been able to see whoever is there.
    pub blind_since: Option<Time>,
    pub curfew: Option<Time>,
    pub ended: Option<(Time, i32)>,
    pub woken: Vec<(Time, u64, Duration)>,
    pub stays_stopped: bool,
    /// All that happened until then is in the record.
    known: Time,
}

impl History {
    /// Who is not dead in the record was alive at `known`; what actors have written later is left out.
    pub fn new(world: &World, entries: &[Entry], known: Time) -> History {
        let mut history = History {
            actors: vec![Biography::default(); world.actors.len()],
            sent: Vec::new(),
            keys: Vec::new(),
            drains: None,
            starved: false,
            blind_since: world.no_proc.then_some(Time::ZERO),
            curfew: None,
            ended: None,
            woken: Vec::new(),
            stays_stopped: false,
            known,
        };
        let rinit = if world.beside_pid_1 { 2 } else { 1 };
        let is_known = |entry: &&Entry| entry.by.is_none() || entry.at <= known;
        for entry in entries.iter().filter(is_known) {
            let at = entry.at;
            if let Some(by) = entry.by {
                history.actors[by].last = at;
            }
            match (entry.by, entry.fact) {
                (Some(by), Fact::Born { pid }) => {
                    history.actors[by].pid = pid;
                    history.actors[by].born = Some(at);
                }
                (_, Fact::Enters(actor)) => history.actors[actor].entered = Some(at),
                (Some(by), Fact::Ready) => {
                    history.actors[by].ready = Some(at);
                    if by == 0 {
                        history.actors[by].rinits = Some(at);
                    }
                }
                (Some(_), Fact::Detached(child)) if may_become_rinits(world, child) => {
                    history.actors[child].rinits = Some(at);
                }
                (Some(by), Fact::Received { signal, code, from }) => {
                    history.actors[by].noted.push(Received { at, signal });
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
                (_, Fact::Stopped(actor)) => history.actors[actor].stopped = Some(at),
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
                (_, Fact::Starves(_)) => {
                    history.starved = true;
                    history.blind_since.get_or_insert(at);
                }
                (_, Fact::Feeds) => history.starved = false,
                (_, Fact::Woken { times, within }) => history.woken.push((at, times, within)),
                (_, Fact::StaysStopped(_)) => history.stays_stopped = true,
                (_, Fact::Curfew) => history.curfew = Some(at),
                (_, Fact::RinitEnded { status }) => history.ended = Some((at, status)),
                _ => {}
            }
        }
        // Whose parent dies is rinit's from then on.
        for actor in 0..world.actors.len() {
            if let Parent::Actor(parent) = world.actors[actor].parent {
                let died = history.actors[parent].died;
                let is_ours = may_become_rinits(world, actor);
                if let (None, Some((_, dead)), true) = (history.actors[actor].rinits, died, is_ours)
                {
                    let born = history.actors[actor].born;
                    history.actors[actor].rinits = born.map(|born| born.max(dead));
                }
            }
        }
        history
    }

    pub fn command(&self) -> &Biography {
        &self.actors[0]
    }

    /// It lived then for sure.
    pub fn lives_at(&self, actor: usize, at: Time) -> bool {
        let died = self.actors[actor].died;
        at <= died.map_or(self.known, |(alive, _)| alive)
    }

    pub fn ever_blind(&self) -> bool {
        self.blind_since.is_some()
    }

    /// COMMAND lived then for sure.
    pub fn runs(&self, at: Time) -> bool {
        self.lives_at(0, at)
    }
}

/// Beside PID 1 the orphans of those from outside are PID 1's.
fn may_become_rinits(world: &World, actor: usize) -> bool {
    !world.entered(actor) || !world.beside_pid_1
}

impl Biography {
    /// How it ended, where it did.
    pub fn ending(&self) -> Option<(Option<i32>, Option<i32>)> {
        let (_, status) = self.reaped?;
        if libc::WIFSIGNALED(status) {
            Some((None, Some(libc::WTERMSIG(status))))
        } else {
            Some((Some(libc::WEXITSTATUS(status)), None))
        }
    }

    pub fn has_got(&self, signal: i32, from: Time) -> bool {
        self.received
            .iter()
            .any(|received| received.signal == signal && received.at >= from)
    }

    /// Or it has arrived from elsewhere since.
    pub fn must_have_got(&self, signal: i32, from: Time, since: Time) -> bool {
        let mut noted = self.noted.iter();
        self.has_got(signal, from)
            || noted.any(|received| received.signal == signal && received.at >= since)
    }

    /// SIGSTOP may have stopped it only after that time, and so after what went on with it.
    pub fn may_stop_after(&self, at: Time) -> bool {
        let mut stops = self
            .hit
            .iter()
            .filter(|(_, signal)| *signal == libc::SIGSTOP);
        stops.any(|(hit, _)| !self.stopped.is_some_and(|seen| *hit <= seen && seen < at))
    }

    pub fn was_stopped(&self) -> bool {
        self.hit.iter().any(|(_, signal)| *signal == libc::SIGSTOP)
    }
}
