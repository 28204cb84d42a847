//! Why a stop takes so long: who is still there, and why, from what a stuck
//! process cannot hold up (proc_pid_status(5)). Takes no memory from the heap.

use std::ops::ControlFlow;

use nix::unistd::{Pid, getpgid, getpid};

use crate::process::{Name, State};
use crate::signal::{Signal, Signals};
use crate::sys::{kill, procfs};
use crate::time::Time;

/// How many processes a message names.
const NAMED: usize = 5;
/// How many processes are looked at.
const MOST_LOOKED_AT: usize = 1000;
/// How far up a process is followed to COMMAND.
const MOST_GENERATIONS: usize = 8;

/// What was asked of whom.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub signal: Signal,
    pub at: Option<Time>,
    /// It went to COMMAND's whole group.
    pub to_group: bool,
    pub command: Pid,
    pub command_lives: bool,
    /// Whether it has yet to go to that log filter.
    pub is_pending_for: &'a dyn Fn(Pid) -> bool,
}

/// Why a process is still there, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Holdup {
    /// Another user's, whom rinit may not signal.
    OutOfReach,
    /// Before `Blocks`: that is what unshare(1) does while it waits for one.
    NestedInit,
    Ignores,
    Blocks,
    Stopped,
    /// 0: whom this PID namespace does not see.
    TracedBy(Pid),
    Stuck,
    OnlyCommandIsAsked,
    BornLater,
    Busy,
    WaitsFor(Pid),
    /// A log filter.
    AskedLast,
    /// Not sent the signal either, but most programs that have such children stop them.
    OutsideGroup,
}

pub struct Witness {
    pub pid: Pid,
    pub name: Name,
    pub holdup: Holdup,
    /// Where in the kernel it is stuck, if that is known.
    pub wait_channel: Name,
}

/// Who holds a stop up, those to blame first.
pub struct Holdups {
    pub signal: Signal,
    pub named: [Option<Witness>; NAMED],
    pub others: usize,
    /// There were more processes than are looked at.
    pub is_cut_off: bool,
}

impl Holdups {
    /// `None` where all that can be seen are dead, and only to be reaped.
    #[inline(never)] // for its size: few runs need it
    pub fn find(request: &Request) -> Option<Self> {
        let mut holdups = Self {
            signal: request.signal,
            named: [const { None }; NAMED],
            others: 0,
            is_cut_off: false,
        };
        let mut looked_at: usize = 0;
        let mut any_dead = false;
        // COMMAND first: on a busy host it may be one of the last.
        procfs::each_process(request.command, |pid| {
            looked_at = looked_at.saturating_add(1);
            if looked_at > MOST_LOOKED_AT {
                holdups.is_cut_off = true;
                return ControlFlow::Break(());
            }
            if let Some(state) = procfs::state(pid).filter(|state| is_ours(request, state)) {
                if state.is_dead() {
                    any_dead = true;
                } else {
                    holdups.add(pid, holdup(request, pid, &state));
                }
            }
            ControlFlow::Continue(())
        });
        (!any_dead || holdups.worst().is_some()).then_some(holdups)
    }

    /// The one to blame most.
    pub fn worst(&self) -> Option<&Witness> {
        self.named.iter().flatten().next()
    }

    fn add(&mut self, pid: Pid, holdup: Holdup) {
        let is_worse = |witness: &Option<Witness>| {
            witness
                .as_ref()
                .is_none_or(|witness| holdup < witness.holdup)
        };
        let Some(place) = self.named.iter().position(is_worse) else {
            self.others = self.others.saturating_add(1);
            return;
        };
        if self.named.last().is_some_and(Option::is_some) {
            self.others = self.others.saturating_add(1);
        }
        let behind = self.named.get_mut(place..).unwrap_or_default();
        behind.rotate_right(1);
        if let Some(first) = behind.first_mut() {
            *first = Some(Witness {
                pid,
                name: procfs::name(pid),
                holdup,
                wait_channel: match holdup {
                    Holdup::Stuck => procfs::wait_channel(pid),
                    _ => Name::unknown(),
                },
            });
        }
    }
}

/// Whether it is rinit's to stop, or its parent's.
fn is_ours(request: &Request, state: &State) -> bool {
    // While draining, each child is asked in its turn.
    state.parent == getpid() || request.command_lives && descends(state.parent, request.command)
}

fn holdup(request: &Request, pid: Pid, state: &State) -> Holdup {
    if !kill::is_permitted(pid) {
        return Holdup::OutOfReach;
    }
    not_asked(request, pid).unwrap_or_else(|| what_it_does(state, pid, request.signal))
}

fn descends(parent: Pid, command: Pid) -> bool {
    let mut ancestor = parent;
    for _ in 0..MOST_GENERATIONS {
        if ancestor == getpid() || ancestor == command {
            return true;
        }
        match procfs::state(ancestor) {
            Some(state) => ancestor = state.parent,
            None => return false,
        }
    }
    false
}

/// Why a process has not been sent the signal.
fn not_asked(request: &Request, pid: Pid) -> Option<Holdup> {
    let at = request.at.filter(|_| request.command_lives)?;
    if pid == request.command {
        return None;
    }
    if getpgid(Some(pid)) != Ok(request.command) {
        return Some(Holdup::OutsideGroup);
    }
    if !request.to_group {
        return Some(Holdup::OnlyCommandIsAsked);
    }
    let born_before = procfs::start_info(pid).is_some_and(|info| info.started_at < at.tick());
    if !born_before {
        return Some(Holdup::BornLater);
    }
    (request.is_pending_for)(pid).then_some(Holdup::AskedLast)
}

fn what_it_does(state: &State, pid: Pid, signal: Signal) -> Holdup {
    let holds = |signals: Signals| signals.contains(signal);
    match state.code {
        _ if holds(state.ignored) => Holdup::Ignores,
        b't' => Holdup::TracedBy(state.tracer),
        b'T' => Holdup::Stopped,
        _ if holds(state.blocked) && holds(state.pending) => Holdup::Blocks,
        b'D' => Holdup::Stuck,
        // Not one that may just have had no CPU to take the signal on.
        code if holds(state.pending) && !holds(state.blocked) && code != b'R' => Holdup::Stuck,
        _ if state.is_nested_init && !holds(state.caught) => Holdup::NestedInit,
        _ => procfs::first_child(pid).map_or(Holdup::Busy, Holdup::WaitsFor),
    }
}
