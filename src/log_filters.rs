//! Log filters are asked to stop last: `app | tee`, `exec > >(tee); exec app`.
//!
//! Asked together with those that write to it, a filter would die with what it
//! has not read, and its writers, in mid clean-up, of SIGPIPE. By itself it ends
//! at the end of its input.

use nix::unistd::Pid;

use crate::command::{Command, MOST_MEMBERS};
use crate::lifecycle::{FILTER_HEAD_START, FILTER_INTERVAL, Target};
use crate::process::{Child, Input};
use crate::signal::Signal;
use crate::sys::pipes::{self, Pipe, StandardPipes};
use crate::sys::{clock, procfs};
use crate::time::Time;

/// While members are born faster than they are signalled, this has no end.
const MOST_ROUNDS: usize = 16;

/// A member of COMMAND's group.
struct Member {
    pid: Pid,
    pipes: StandardPipes,
}

/// A stop signal that has yet to reach some of COMMAND's group.
pub struct PendingStop {
    signal: Signal,
    asked: Vec<Pid>,
    next_scan_at: Time,
    /// When those may be asked whose input has ended.
    ended_at: Option<Time>,
}

/// Sends a stop signal to COMMAND's group, filters last. Without a filter, or where that
/// cannot be seen, it is one kill(2) to the group, and `None` is returned.
///
/// With one, its members are signalled one by one: who has been by now is returned.
pub fn signal_group(command: &mut Command, signal: Signal) -> Option<(PendingStop, Vec<Pid>)> {
    let has_filter =
        |members: &Vec<Member>| members.iter().any(|member| is_filter(member, members));
    if members(command).filter(has_filter).is_none() {
        command.send(signal, Target::GroupFiltersLast);
        return None;
    }
    let mut stop = PendingStop {
        signal,
        asked: Vec::new(),
        next_scan_at: clock::now().after(FILTER_INTERVAL),
        ended_at: None,
    };
    let mut asked = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let Some(members) = members(command) else {
            break;
        };
        let is_turn = |member: &Member| !is_filter(member, &members);
        let (round, _) = stop.signal_members(command, &members, is_turn);
        if round.is_empty() {
            break;
        }
        asked.extend(round);
    }
    Some((stop, asked))
}

impl PendingStop {
    pub fn signal(&self) -> Signal {
        self.signal
    }

    pub fn next_scan_at(&self) -> Time {
        self.next_scan_at
    }

    /// Asks those that can be asked by now. Returns who that was, and whether that was all.
    pub fn go_on(&mut self, now: Time, command: &mut Command) -> (Vec<Pid>, bool) {
        self.next_scan_at = now.after(FILTER_INTERVAL);
        let Some(members) = members(command) else {
            return (Vec::new(), true);
        };
        let is_open = |member: &&Member| !self.asked.contains(&member.pid);
        let asked_live = members.iter().any(|member| !is_open(&member));
        let flowing = |member: &Member| is_filter(member, &members) || is_unread(member);
        let any_flows = members.iter().filter(is_open).any(flowing);
        let may_ask_filters = if any_flows && asked_live {
            self.ended_at = None;
            false
        } else {
            *self.ended_at.get_or_insert(now.after(FILTER_HEAD_START)) <= now
        };
        self.signal_members(command, &members, |member| {
            may_ask_filters || !reads_pipe(member)
        })
    }

    /// Signals each member whose turn it is. Returns who that was, and whether it was all that
    /// had not been signalled.
    fn signal_members(
        &mut self,
        command: &mut Command,
        members: &[Member],
        is_turn: impl Fn(&Member) -> bool,
    ) -> (Vec<Pid>, bool) {
        let mut round = Vec::new();
        let mut is_all = true;
        for member in members {
            if self.asked.contains(&member.pid) {
                continue;
            }
            if is_turn(member) {
                command.send_to_member(self.signal, member.pid);
                push(&mut self.asked, member.pid);
                push(&mut round, member.pid);
            } else {
                is_all = false;
            }
        }
        (round, is_all)
    }
}

/// Sees which of the children, COMMAND's being dead, are filters whose input still flows, or
/// has ended. `own_input`: the pipe that rinit itself was given, which is none of COMMAND's.
pub fn see_inputs(
    command: &Command,
    own_input: Option<u64>,
    children: &mut [Child],
    wants_input: impl Fn(&Child) -> bool,
) {
    let mut group: Option<Vec<Member>> = None;
    for child in children.iter_mut().filter(|child| wants_input(child)) {
        let Ok(pipes) = StandardPipes::of(child.pid) else {
            continue;
        };
        let Some(input) = pipes.input else { continue };
        if own_input.is_some_and(|own| input == Pipe::Anonymous(own)) {
            continue;
        }
        let group = group.get_or_insert_with(|| members(command).unwrap_or_default());
        let pid = child.pid;
        let member = Member { pid, pipes };
        child.input = if is_filter(&member, group) || is_unread(&member) {
            Input::Flowing
        } else if matches!(input, Pipe::Anonymous(_)) {
            Input::Ended
        } else {
            Input::Other
        };
    }
}

/// Of another user's process the pipes may not be seen: it counts as having none.
fn members(command: &Command) -> Option<Vec<Member>> {
    let pids = procfs::members(command.pid(), MOST_MEMBERS)?;
    let mut members = Vec::new();
    members.try_reserve_exact(pids.len()).ok()?;
    for pid in pids {
        let pipes = StandardPipes::of(pid).unwrap_or_default();
        members.push(Member { pid, pipes });
    }
    Some(members)
}

fn reads_pipe(member: &Member) -> bool {
    match member.pipes.input {
        Some(Pipe::Anonymous(_)) => true,
        Some(Pipe::MaybeFifo(_)) => pipes::input_is_fifo(member.pid),
        None => false,
    }
}

/// Whether another member writes to this one's standard input.
fn is_filter(member: &Member, members: &[Member]) -> bool {
    let Some(input) = member.pipes.input else {
        return false;
    };
    let writes =
        |other: &Member| other.pid != member.pid && other.pipes.outputs.contains(&Some(input));
    members.iter().any(writes) && reads_pipe(member)
}

fn is_unread(member: &Member) -> bool {
    let is_pipe = matches!(member.pipes.input, Some(Pipe::Anonymous(_)));
    is_pipe && pipes::input_holds_something(member.pid)
}

/// Where no memory is left, a member is asked once more, which is better than an abort.
fn push(pids: &mut Vec<Pid>, pid: Pid) {
    if pids.try_reserve(1).is_ok() {
        pids.push(pid);
    }
}
