//! The loop: waits, reports to the life cycle what has happened, and carries
//! out what that decides.

mod actions;
mod job_control;
mod post_mortem;
mod scan;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

use crate::command::Command;
use crate::ending::Ending;
use crate::event_log::{log_arrival, reap_shown, shows_reaping};
use crate::lifecycle::{Action, Arrived, Details, Lifecycle, Next, Target};
use crate::log_filters::{self, PendingStop};
use crate::message::{Fate, Message, log};
use crate::options::Options;
use crate::process::Scan;
use crate::signal::Signal;
use crate::start::Started;
use crate::sys::signals::{Arrival, Event, SignalReader};
use crate::sys::terminal::Terminal;
use crate::sys::wait::{self, BATCH, Reaped};
use crate::sys::{clock, procfs};
use crate::time::Time;
use job_control::JobControl;
use post_mortem::{PostMortem, guess_asked, unasked_kill};

/// How many signals to handle before deaths get their turn: a flood of signals with lower
/// numbers would hide SIGCHLD.
const SIGNALS_BETWEEN_REAPINGS: u32 = 64;

/// What rinit was given that COMMAND has now.
pub struct Given {
    pub terminal: Option<Terminal>,
    /// The inode of the pipe at standard input.
    pub input_pipe: Option<u64>,
}

/// Supervises COMMAND to its end, and what outlives it to the end of that.
/// Returns rinit's exit status.
pub fn supervise(
    options: &Options,
    is_pid_1: bool,
    started: &Started,
    given: Given,
    signals: SignalReader,
) -> u8 {
    let kernel_may_reap = is_pid_1 && !options.daemon && !shows_reaping(options);
    let mut supervisor = Supervisor {
        options,
        name: &started.search.name,
        signals,
        lifecycle: Lifecycle::new(options, is_pid_1),
        command: Command::new(started.pid, kernel_may_reap, options.level),
        pending_stop: None,
        jobs: JobControl::new(given.terminal),
        post_mortem: PostMortem::new(options, &started.search),
        input_pipe: given.input_pipe,
        signals_since_reaping: 0,
        more_to_reap: false,
    };
    // On a single processor COMMAND is to run first: all that follows can wait for it.
    std::thread::yield_now();
    // No signal announces children that were made before rinit was executed, and died before it
    // blocked its signals. And COMMAND may have ended already.
    supervisor.reap(None);
    if supervisor.command.lives() {
        supervisor.post_mortem.note_memory(&supervisor.command);
    }
    loop {
        if let Some(status) = supervisor.lifecycle.exit_status() {
            supervisor.jobs.take_terminal_back();
            supervisor.log(&Message::Exiting(status));
            return status;
        }
        supervisor.wait();
        supervisor.time_passed();
    }
}

struct Supervisor<'a> {
    options: &'a Options,
    /// What COMMAND was called on the command line.
    name: &'a OsStr,
    signals: SignalReader,
    lifecycle: Lifecycle<'a>,
    command: Command,
    pending_stop: Option<PendingStop>,
    jobs: JobControl,
    post_mortem: PostMortem<'a>,
    input_pipe: Option<u64>,
    signals_since_reaping: u32,
    /// No signal may announce more deaths: the last batch was not the end of them.
    more_to_reap: bool,
}

impl Supervisor<'_> {
    fn wait(&mut self) {
        let event = self.signals.wait(self.limit(), self.command.watched());
        match event {
            Ok(Event::Signal(arrival)) => self.arrived(&arrival),
            Ok(Event::Hangup) => self.reap(None),
            Ok(Event::Time) | Err(_) if self.jobs.continue_command(&mut self.command) => {}
            Ok(Event::Time) if self.more_to_reap => self.reap(None),
            Ok(Event::Time) if self.limit() == Some(Duration::ZERO) => {}
            // EINTR, once rinit was stopped and continued. Were there no waiting at all, the
            // deaths at least would be found by asking.
            Ok(Event::Time) | Err(_) => {
                clock::rest(self.limit());
                self.reap(None);
            }
        }
    }

    /// How long to wait at most: rounded up by the kernel's own timer.
    fn limit(&self) -> Option<Duration> {
        if self.more_to_reap || self.jobs.command_goes_on() {
            return Some(Duration::ZERO);
        }
        let deadline = self.deadline()?;
        Some(clock::now().until(deadline))
    }

    fn deadline(&self) -> Option<Time> {
        let pending = self.pending_stop.as_ref().map(PendingStop::next_scan_at);
        let resend = self.command.resend_at();
        [self.lifecycle.deadline(), pending, resend]
            .into_iter()
            .flatten()
            .min()
    }

    fn arrived(&mut self, arrival: &Arrival) {
        let signal = arrival.signal;
        let is_kernels = arrival.sender.is_none();
        self.signals_since_reaping = self.signals_since_reaping.wrapping_add(1);
        // Whoever sent it: a second SIGCHLD is not queued, so this may hide the kernel's.
        if signal == Signal::CHLD || self.signals_since_reaping > SIGNALS_BETWEEN_REAPINGS {
            self.reap(arrival.child);
        }
        if signal == Signal::CHLD && is_kernels || is_own_doing(arrival) {
            return;
        }
        let forwarded = self.options.rewrites.apply(signal);
        let fate = forwarded.map_or(Fate::Dropped, Fate::Forwarded);
        log_arrival(self.options, arrival, fate);
        if signal == Signal::CONT && self.command.lives() {
            self.jobs.go_along();
        }
        let is_stop = self.lifecycle.is_stop_request(signal);
        if self.command.lives() && is_stop {
            // Whoever is found is not to be mixed up with one that gets the same pid later.
            self.command.keep_zombies();
        }
        let forward_to = self.options.forward_to;
        let arrived = Arrived {
            signal,
            forwarded,
            to_group: self
                .command
                .is_for_group(forward_to, forwarded.unwrap_or(signal), is_stop),
        };
        let next = self.report(|lifecycle, scan, act| {
            lifecycle.signal_arrived(arrived, scan, clock::now, act)
        });
        self.follow_up(next);
    }

    /// Reports an event to the life cycle, and carries out what it decides.
    fn report<T>(
        &mut self,
        event: impl FnOnce(&mut Lifecycle, &dyn Fn(Details) -> Scan, &mut dyn FnMut(Action)) -> T,
    ) -> T {
        let mut one_by_one = None;
        let mut at_once = false;
        let result = {
            let Self {
                options,
                lifecycle,
                command,
                pending_stop,
                jobs,
                ..
            } = self;
            let command = RefCell::new(command);
            let scan = |details: Details| {
                // Never both at once; but process 1 may not panic.
                match command.try_borrow_mut() {
                    Ok(mut command) => scan::children(&mut command, None, |_, _| details),
                    Err(_) => Scan::Failed,
                }
            };
            event(lifecycle, &scan, &mut |action| {
                let Ok(mut command) = command.try_borrow_mut() else {
                    return;
                };
                let command = &mut command;
                match action {
                    Action::Send {
                        signal,
                        to: Target::GroupFiltersLast,
                    } => {
                        if let Some((pending, asked)) = log_filters::signal_group(command, signal) {
                            *pending_stop = Some(pending);
                            one_by_one = Some((signal, asked));
                        } else {
                            at_once = true;
                        }
                    }
                    action => {
                        let pending = pending_stop.as_ref();
                        actions::carry_out(options.level, jobs, command, pending, action);
                    }
                }
            })
        };
        if at_once {
            self.lifecycle.group_asked_at_once();
        }
        if let Some((signal, asked)) = one_by_one {
            self.note_one_by_one(signal, &asked, clock::now());
        }
        result
    }

    fn note_one_by_one(&mut self, signal: Signal, asked: &[Pid], now: Time) {
        for pid in asked {
            self.lifecycle.member_asked(signal, *pid, now);
        }
    }

    /// Reaps a batch of dead children, of which one may be announced.
    fn reap(&mut self, announced: Option<Pid>) {
        self.more_to_reap = false;
        self.signals_since_reaping = 0;
        if announced.is_some_and(|child| self.reap_alone(child)) {
            return self.reaped(true);
        }
        let ending = self.command.ending_of_zombie();
        let stop = self.lifecycle.stop_is_requested();
        let unasked = ending.and_then(|ending| unasked_kill(ending, &self.command, stop));
        if unasked.is_some() {
            self.command.note_name(true);
        }
        for _ in 0..BATCH {
            match self.reap_next() {
                Ok(Reaped::Child(..)) => {}
                Ok(Reaped::NoneDead) => return self.reaped(true),
                Ok(Reaped::NoneLeft) => return self.reaped(false),
                Err(_) => {
                    clock::rest(None);
                    break;
                }
            }
        }
        // Where processes die faster than they are reaped, this has no end.
        self.more_to_reap = true;
        self.reaped(true);
    }

    /// Reaps the child whose death is announced, if that is nothing special. Returns whether that
    /// was all: then two system calls have done what takes a batch three. A dying process hands
    /// its zombies to rinit first: SIGCHLD may announce one of them, and COMMAND's end with it.
    fn reap_alone(&mut self, child: Pid) -> bool {
        let needs_more = self.lifecycle.needs_zombie() || shows_reaping(self.options);
        if needs_more || !self.command.leaves_to_rinit(child) {
            return false;
        }
        if let Ok(Reaped::Child(pid, ending)) = wait::reap_one(child) {
            self.lifecycle.child_ended(pid, ending, None);
        }
        wait::next_dead() == Ok(None)
    }

    fn reap_next(&mut self) -> Result<Reaped, Errno> {
        let (command, command_lives) = (self.command.pid(), self.command.lives());
        let is_command = |pid| command_lives && pid == command;
        let (signals, command, jobs) = (&mut self.signals, &mut self.command, &self.jobs);
        let mut reap = || {
            reap_shown(self.options, is_command, || {
                command.reap_next(signals, || jobs.has_terminal())
            })
        };
        let (reaped, zombie) = if self.lifecycle.needs_zombie() {
            wait::reap_seen(procfs::zombie, reap)
        } else {
            (reap(), None)
        };
        if let Ok(Reaped::Child(pid, ending)) = reaped {
            if is_command(pid) {
                self.command_ended(ending);
            } else {
                self.lifecycle.child_ended(pid, ending, zombie.flatten());
            }
        }
        reaped
    }

    fn command_ended(&mut self, ending: Ending) {
        // What has not been asked by now is the drain's to ask.
        self.pending_stop = None;
        self.log(&Message::Ended {
            command: self.name,
            pid: self.command.pid(),
            ending,
        });
        self.lifecycle.command_ended(ending, clock::now());
        let stop = self.lifecycle.stop_is_requested();
        let guess = guess_asked(ending, &self.command, &self.jobs, stop);
        self.post_mortem.explain(ending, guess, &self.command, stop);
        self.lifecycle.note_guess(guess);
    }

    fn reaped(&mut self, any_left: bool) {
        if self.command.lives() {
            if !any_left {
                self.log(&Message::LostCommand {
                    command: self.name,
                    pid: self.command.pid(),
                });
            }
            self.command.note_name(false);
            self.jobs.stop_with_command(&mut self.command);
        }
        if !any_left {
            return self.lifecycle.nothing_left();
        }
        if !self.command.lives() {
            self.see_group();
            self.more_to_reap |= !self.jobs.continue_stopped(BATCH);
        }
        let next = self.report(|lifecycle, _, act| lifecycle.reaped(clock::now, act));
        self.follow_up(next);
    }

    /// The terminal comes back with the end of COMMAND's group.
    fn see_group(&mut self) {
        if !self.command.group_left() {
            self.jobs.take_terminal_back();
        }
    }

    fn time_passed(&mut self) {
        let Some(deadline) = self.deadline() else {
            return;
        };
        let now = clock::now();
        if deadline > now {
            return;
        }
        if self.command.resend_at().is_some_and(|at| at <= now) {
            self.command.resend();
        }
        if let Some(stop) = &mut self.pending_stop {
            if stop.next_scan_at() <= now {
                let signal = stop.signal();
                let (asked, is_over) = stop.go_on(now, &mut self.command);
                if is_over {
                    self.pending_stop = None;
                }
                self.note_one_by_one(signal, &asked, now);
            }
        }
        let next = self.report(|lifecycle, _, act| lifecycle.time_passed(now, act));
        self.follow_up(next);
    }

    fn follow_up(&mut self, next: Next) {
        if next == Next::Wait {
            return;
        }
        // The last of the group may have left it without a death.
        self.see_group();
        let group_left = self.command.group_left();
        let begun = clock::now();
        let lifecycle = &self.lifecycle;
        let details_of = |pid, in_group| lifecycle.details_of(pid, in_group);
        let found = scan::children(&mut self.command, self.input_pipe, details_of);
        let now = clock::now();
        self.report(|lifecycle, _, act| lifecycle.scanned(begun, now, &found, group_left, act));
    }

    fn log(&self, message: &Message) {
        log(self.options.level, message);
    }
}

/// A signal that a system call of rinit's own has caused: a write to a pipe
/// without a reader, or beyond the file size limit.
fn is_own_doing(arrival: &Arrival) -> bool {
    matches!(arrival.signal, Signal::PIPE | Signal::XFSZ) && arrival.sender == Some(getpid())
}
