//! Log filters are asked to stop last: `app | tee`, `exec > >(tee); exec app`.
//!
//! Asked together with those that write to it, a filter would die with what it
//! has not read, and its writers, in mid clean-up, of SIGPIPE. By itself it ends
//! at the end of its input.

use std::cell::Cell;
use std::mem;
use std::time::Duration;

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

/// What has not read on for so long, though its input holds something, may never read that.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A member of COMMAND's group.
struct Member {
    pid: Pid,
    pipes: StandardPipes,
    /// Its turn comes after those that write to its standard input.
    is_filter: Cell<bool>,
}

/// A stop signal that has yet to reach some of COMMAND's group.
pub struct PendingStop {
    signal: Signal,
    asked: Vec<Pid>,
    next_scan_at: Time,
    /// Of those whose writers are gone.
    last_reads: Vec<LastRead>,
}

/// Since when a member has not read on.
struct LastRead {
    pid: Pid,
    unread: usize,
    at: Time,
}

/// Sends a stop signal to COMMAND's group, filters last. Without a filter, or where that
/// cannot be seen, it is one kill(2) to the group, and `None` is returned.
///
/// With one, its members are signalled one by one: who has been by now is returned.
pub fn signal_group(command: &mut Command, signal: Signal) -> Option<(PendingStop, Vec<Pid>)> {
    let has_filter = |members: &Vec<Member>| members.iter().any(|member| member.is_filter.get());
    if members(command).filter(has_filter).is_none() {
        command.send(signal, Target::GroupFiltersLast);
        return None;
    }
    let mut stop = PendingStop {
        signal,
        asked: Vec::new(),
        next_scan_at: clock::now().after(FILTER_INTERVAL),
        last_reads: Vec::new(),
    };
    let mut asked = Vec::new();
    for round in 0..MOST_ROUNDS {
        let Some(members) = members(command) else {
            break;
        };
        // After the first round, a filter may have lost its writers to that.
        let is_turn =
            |member: &Member| !member.is_filter.get() && (round == 0 || !reads_pipe(member));
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

    pub fn has_asked(&self, pid: Pid) -> bool {
        self.asked.contains(&pid)
    }

    /// Asks those that can be asked by now. Returns who that was, and whether that was all.
    pub fn go_on(&mut self, now: Time, command: &mut Command) -> (Vec<Pid>, bool) {
        self.next_scan_at = now.after(FILTER_INTERVAL);
        let Some(members) = members(command) else {
            return (Vec::new(), false);
        };
        let mut last_reads = mem::take(&mut self.last_reads);
        let asked = self.signal_members(command, &members, |member| {
            !member.is_filter.get()
                && (!reads_pipe(member) || has_paused(&mut last_reads, member, now))
        });
        self.last_reads = last_reads;
        asked
    }

    /// Signals each member whose turn it is. Returns who that was, and whether it was all that
    /// had not been signalled.
    fn signal_members(
        &mut self,
        command: &mut Command,
        members: &[Member],
        mut is_turn: impl FnMut(&Member) -> bool,
    ) -> (Vec<Pid>, bool) {
        let mut round = Vec::new();
        let mut is_all = true;
        for member in members {
            if self.has_asked(member.pid) {
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
        // There may be thousands: outputs are read only once an input may be a pipe, and only the
        // group's.
        let Ok(Some(input)) = pipes::input(child.pid) else {
            continue;
        };
        if own_input.is_some_and(|own| input == Pipe::Anonymous(own)) {
            continue;
        }
        let group = group.get_or_insert_with(|| members(command).unwrap_or_default());
        let pid = child.pid;
        let is_filter = |member: &Member| member.pid == pid && member.is_filter.get();
        let is_pipe = matches!(input, Pipe::Anonymous(_));
        child.input = if group.iter().any(is_filter) || is_pipe && pipes::unread_input(pid) > 0 {
            Input::Flowing
        } else if is_pipe {
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
        members.push(Member {
            pid,
            pipes,
            is_filter: Cell::new(false),
        });
    }
    mark_filters(&members)?;
    Some(members)
}

/// A filter is what others feed, unless they do so in a circle alone: there nobody would be
/// the first to be asked.
fn mark_filters(members: &[Member]) -> Option<()> {
    let (mut fed, mut feeding) = (Vec::new(), Vec::new());
    fed.try_reserve_exact(members.len()).ok()?;
    feeding.try_reserve_exact(members.len()).ok()?;
    for member in members {
        let is_fed = members.iter().any(|other| feeds(other, member)) && reads_pipe(member);
        if is_fed { &mut fed } else { &mut feeding }.push(member);
    }
    while let Some(writer) = feeding.pop() {
        let is_new = |reader: &&&Member| !reader.is_filter.get() && feeds(writer, reader);
        for reader in fed.iter().filter(is_new) {
            reader.is_filter.set(true);
            feeding.push(reader);
        }
    }
    Some(())
}

/// Whether a member writes to another one's standard input.
fn feeds(writer: &Member, reader: &Member) -> bool {
    let input = reader.pipes.input;
    input.is_some() && writer.pid != reader.pid && writer.pipes.outputs.contains(&input)
}

fn reads_pipe(member: &Member) -> bool {
    match member.pipes.input {
        Some(Pipe::Anonymous(_)) => true,
        Some(Pipe::MaybeFifo(_)) => pipes::input_is_fifo(member.pid),
        None => false,
    }
}

/// Whether a member, whose writers are gone, has had its time to end by itself.
fn has_paused(last_reads: &mut Vec<LastRead>, member: &Member, now: Time) -> bool {
    let (pid, at) = (member.pid, now);
    let is_pipe = matches!(member.pipes.input, Some(Pipe::Anonymous(_)));
    let unread = if is_pipe { pipes::unread_input(pid) } else { 0 };
    let last = LastRead { pid, unread, at };
    if let Some(known) = last_reads.iter_mut().find(|known| known.pid == pid) {
        if known.unread == unread {
            let pause = if unread > 0 {
                LONGEST_PAUSE
            } else {
                FILTER_HEAD_START
            };
            return known.at.after(pause) <= now;
        }
        *known = last;
        return false;
    }
    let is_noted = last_reads.try_reserve(1).is_ok();
    if is_noted {
        last_reads.push(last);
    }
    !is_noted
}

/// Where no memory is left, a member is asked once more, which is better than an abort.
fn push(pids: &mut Vec<Pid>, pid: Pid) {
    if pids.try_reserve(1).is_ok() {
        pids.push(pid);
    }
}
