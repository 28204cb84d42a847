//! What the record says of rinit and of each actor.

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
    /// The director or another actor has sent it something, or stopped it.
    pub hit: Vec<(Time, i32)>,
    pub last: Time,
}

pub struct History {
    pub actors: Vec<Biography>,
    pub sent: Vec<Sent>,
    pub keys: Vec<(Time, i32)>,
    /// When rinit had surely seen that COMMAND had ended.
    pub drains: Option<Time>,
    pub starved: bool,
    pub ever_starved: bool,
    pub curfew: Option<Time>,
    pub ended: Option<(Time, i32)>,
    pub woken: Vec<(Time, u64)>,
    pub stays_stopped: bool,
}

impl History {
    pub fn new(world: &World, entries: &[Entry]) -> History {
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

    pub fn command(&self) -> &Biography {
        &self.actors[0]
    }

    /// COMMAND lived then for sure.
    pub fn runs(&self, at: Time) -> bool {
        self.command().died.is_none_or(|(alive, _)| at <= alive)
    }
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

    pub fn lives_at(&self, at: Time) -> bool {
        self.died.is_none_or(|(alive, _)| at <= alive)
    }

    pub fn has_got(&self, signal: i32, from: Time) -> bool {
        self.received
            .iter()
            .any(|received| received.signal == signal && received.at >= from)
    }

    pub fn was_stopped(&self) -> bool {
        self.hit.iter().any(|(_, signal)| *signal == libc::SIGSTOP)
    }
}
