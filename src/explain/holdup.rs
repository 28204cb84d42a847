//! Why a stop takes so long: who is still there, and why, from what a stuck
//! process cannot hold up (proc_pid_status(5)). Takes no memory from the heap.

use std::ops::ControlFlow;

use nix::unistd::{Pid, getpgid, getpid};

use crate::process::{Name, State};
use crate::signal::{Signal, Signals};
use crate::sys::procfs;
use crate::time::Time;

/// How many processes a message names.
const NAMED: usize = 5;
/// How many processes are looked at.
const MOST_LOOKED_AT: usize = 1000;
/// How far up a process is followed to COMMAND.
const MOST_GENERATIONS: usize = 8;

/// What was asked of whom.
#[derive(Clone, Copy)]
pub struct Request {
    pub signal: Signal,
    pub at: Option<Time>,
    /// It went to COMMAND's whole group.
    pub to_group: bool,
    pub command: Pid,
    pub command_lives: bool,
}

/// Why a process is still there, the worst first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Holdup {
    Ignores,
    Blocks,
    Stopped,
    TracedBy(Pid),
    Stuck,
    NestedInit,
    NotAsked(NotAsked),
    Busy,
    WaitsFor(Pid),
}

/// Why a process has not been sent the signal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NotAsked {
    OnlyCommandIs,
    OutsideGroup,
    BornLater,
}

pub struct Witness {
    pub pid: Pid,
    pub name: Name,
    pub holdup: Holdup,
    /// In what the kernel has it, where that matters and is known.
    pub wait_channel: Name,
}

/// Who holds a stop up, those to blame first.
pub struct Holdups {
    pub signal: Signal,
    pub named: [Option<Witness>; NAMED],
    pub others: usize,
}

impl Holdups {
    #[inline(never)] // for its size: few runs need it
    pub fn find(request: &Request) -> Self {
        let mut holdups = Self {
            signal: request.signal,
            named: [const { None }; NAMED],
            others: 0,
        };
        let mut looked_at: usize = 0;
        procfs::each_process(|pid| {
            looked_at = looked_at.saturating_add(1);
            if looked_at > MOST_LOOKED_AT {
                return ControlFlow::Break(());
            }
            if let Some(holdup) = holdup(request, pid) {
                holdups.add(pid, holdup);
            }
            ControlFlow::Continue(())
        });
        holdups
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
                wait_channel: procfs::wait_channel(pid),
            });
        }
    }
}

/// `None`: it is none of rinit's, or its parent's to stop, or dead.
fn holdup(request: &Request, pid: Pid) -> Option<Holdup> {
    let state = procfs::state(pid)?;
    let is_child = state.parent == getpid();
    if state.is_dead() || !(is_child || descends(state.parent, request)) {
        return None;
    }
    match not_asked(request, pid, is_child) {
        // Whoever is no child, and of no group that was asked, is its parent's to stop.
        Some(NotAsked::OutsideGroup) if !is_child => None,
        Some(why) => Some(Holdup::NotAsked(why)),
        None => Some(what_it_does(&state, pid, request.signal)),
    }
}

fn descends(parent: Pid, request: &Request) -> bool {
    let mut ancestor = parent;
    for _ in 0..MOST_GENERATIONS {
        if ancestor == getpid() || request.command_lives && ancestor == request.command {
            return true;
        }
        match procfs::state(ancestor) {
            Some(state) => ancestor = state.parent,
            None => return false,
        }
    }
    false
}

fn not_asked(request: &Request, pid: Pid, is_child: bool) -> Option<NotAsked> {
    let Request {
        at: Some(at),
        command_lives: true,
        ..
    } = *request
    else {
        // While draining, each child is asked in its turn.
        return (!is_child).then_some(NotAsked::OutsideGroup);
    };
    if pid == request.command {
        return None;
    }
    if getpgid(Some(pid)) != Ok(request.command) {
        return Some(NotAsked::OutsideGroup);
    }
    if !request.to_group {
        return Some(NotAsked::OnlyCommandIs);
    }
    let born_before = procfs::start_info(pid).is_some_and(|info| info.started_at < at.tick());
    (!born_before).then_some(NotAsked::BornLater)
}

fn what_it_does(state: &State, pid: Pid, signal: Signal) -> Holdup {
    let holds = |signals: Signals| signals.contains(signal);
    match state.code {
        _ if holds(state.ignored) => Holdup::Ignores,
        b'T' | b't' if state.tracer.as_raw() != 0 => Holdup::TracedBy(state.tracer),
        b'T' | b't' => Holdup::Stopped,
        _ if holds(state.blocked) && holds(state.pending) => Holdup::Blocks,
        b'D' => Holdup::Stuck,
        _ if holds(state.pending) && !holds(state.blocked) => Holdup::Stuck,
        _ if state.is_nested_init && !holds(state.caught) => Holdup::NestedInit,
        _ => procfs::first_child(pid).map_or(Holdup::Busy, Holdup::WaitsFor),
    }
}
