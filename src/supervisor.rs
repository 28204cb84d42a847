//! The loop: waits, reports to the life cycle what has happened, and carries
//! out what that decides.

use std::mem;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

use crate::command::Command;
use crate::ending::Ending;
use crate::exit_code;
use crate::explain::holdup::{Holdups, Request};
use crate::explain::{self, Death, Reason};
use crate::lifecycle::{Action, Arrived, Details, Guess, Lifecycle, Next, Requested, Target};
use crate::log_filters::{self, PendingStop};
use crate::message::{Fate, Message, Sender, log};
use crate::options::{Level, Options};
use crate::process::{Child, Input, Name, Scan};
use crate::search::Search;
use crate::signal::Signal;
use crate::start::Started;
use crate::sys::cgroup::MemoryCgroup;
use crate::sys::procfs::ScanError;
use crate::sys::signals::{Arrival, Event, SignalReader};
use crate::sys::terminal::Terminal;
use crate::sys::wait::{self, Reaped};
use crate::sys::{clock, kill, procfs};
use crate::time::Time;

/// How many deaths, or stops, to see to before signals and deadlines get their turn.
const BATCH: usize = 4096;
/// How many signals to see to before deaths get theirs, which a flood of
/// signals with lower numbers hides.
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
        search: &started.search,
        signals,
        memory: None,
        lifecycle: Lifecycle::new(options, is_pid_1),
        command: Command::new(started.pid, kernel_may_reap, options.level),
        pending_stop: None,
        given,
        signals_since_reaping: 0,
        more_to_reap: false,
        command_goes_on: false,
    };
    // On a single processor COMMAND is to run first: all that follows can wait for it.
    std::thread::yield_now();
    // No signal announces children that were made before rinit was executed, and died before it
    // blocked its signals. And COMMAND may have ended already.
    supervisor.reap();
    if supervisor.command.lives() {
        supervisor.note_memory();
    }
    loop {
        if let Some(status) = supervisor.lifecycle.exit_status() {
            supervisor.take_terminal_back();
            supervisor.log(&Message::Exiting(status));
            return status;
        }
        supervisor.wait();
        supervisor.time_passed();
    }
}

/// Whether somebody asked to see each reaping.
pub fn shows_reaping(options: &Options) -> bool {
    options.warn_on_reap || options.level >= Level::Reaping
}

/// Logs that a signal has arrived, and what becomes of it.
pub fn log_arrival(options: &Options, arrival: &Arrival, fate: Fate) {
    if options.level < Level::Signals {
        return;
    }
    let name;
    let sender = match arrival.sender {
        None => Sender::Kernel,
        Some(pid) if pid.as_raw() == 0 => Sender::Outside,
        Some(pid) => {
            name = procfs::name(pid);
            Sender::Process(pid, &name)
        }
    };
    let signal = arrival.signal;
    let message = Message::Arrived {
        signal,
        fate,
        sender,
    };
    log(options.level, &message);
}

/// Reaps a dead child by `next`, and logs that, where asked for, unless it is COMMAND.
pub fn reap_shown(
    options: &Options,
    is_command: impl Fn(Pid) -> bool,
    next: impl FnOnce() -> Result<Reaped, Errno>,
) -> Result<Reaped, Errno> {
    if !shows_reaping(options) {
        return next();
    }
    // The name goes with the zombie.
    let seen = wait::next_dead().map(|pid| (pid, procfs::name(pid)));
    let reaped = next();
    if let Ok(Reaped::Child(pid, ending)) = reaped {
        if !is_command(pid) {
            // Another one may have died since.
            let name = seen.filter(|(seen, _)| *seen == pid);
            let message = Message::Reaped {
                pid,
                name: &name.map_or_else(Name::unknown, |(_, name)| name),
                ending,
                warn: options.warn_on_reap,
            };
            log(options.level, &message);
        }
    }
    reaped
}

struct Supervisor<'a> {
    options: &'a Options,
    search: &'a Search,
    signals: SignalReader,
    /// With the count of those killed before COMMAND ran.
    memory: Option<MemoryCgroup>,
    lifecycle: Lifecycle<'a>,
    command: Command,
    pending_stop: Option<PendingStop>,
    given: Given,
    signals_since_reaping: u32,
    /// No signal may announce more deaths: the last batch was not the end of them.
    more_to_reap: bool,
    /// COMMAND, which is stopped, is to be continued, but not before it has been sent what has
    /// arrived until then: it could be stopped anew before that SIGTERM comes, and keep it pending.
    command_goes_on: bool,
}

impl Supervisor<'_> {
    fn wait(&mut self) {
        let event = self.signals.wait(self.limit(), self.command.watched());
        match event {
            Ok(Event::Signal(arrival)) => self.arrived(&arrival),
            Ok(Event::Hangup) => self.reap(),
            Ok(Event::Time) | Err(_) if mem::take(&mut self.command_goes_on) => {
                self.command.send(Signal::CONT, Target::GroupAndCommand);
            }
            Ok(Event::Time) if self.more_to_reap => self.reap(),
            Ok(Event::Time) if self.limit() == Some(Duration::ZERO) => {}
            // EINTR, once rinit was stopped and continued. Were there no waiting at all, the
            // deaths at least would be found by asking.
            Ok(Event::Time) | Err(_) => {
                clock::rest(self.limit());
                self.reap();
            }
        }
    }

    /// How long to wait at most: rounded up by the kernel's own timer.
    fn limit(&self) -> Option<Duration> {
        if self.more_to_reap || self.command_goes_on {
            return Some(Duration::ZERO);
        }
        let deadline = self.deadline()?;
        Some(clock::now().until(deadline))
    }

    fn deadline(&self) -> Option<Time> {
        let pending = self.pending_stop.as_ref().map(PendingStop::next_scan_at);
        [self.lifecycle.deadline(), pending]
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
            self.reap();
        }
        if signal == Signal::CHLD && is_kernels || is_own_doing(arrival) {
            return;
        }
        let forwarded = self.options.rewrites.apply(signal);
        let fate = forwarded.map_or(Fate::Dropped, Fate::Forwarded);
        log_arrival(self.options, arrival, fate);
        if signal == Signal::CONT && self.command.lives() {
            // `fg`: the terminal must be COMMAND's before it goes on.
            if let Some(terminal) = &mut self.given.terminal {
                terminal.go_along();
            }
        }
        if self.command.lives() && self.lifecycle.is_stop_request(signal) {
            // Whoever is found is not to be mixed up with one that gets the same pid later.
            self.command.keep_zombies();
        }
        let forward_to = self.options.forward_to;
        let arrived = Arrived {
            signal,
            forwarded,
            to_group: self
                .command
                .is_for_group(forward_to, forwarded.unwrap_or(signal)),
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
                ..
            } = self;
            let command = std::cell::RefCell::new(command);
            let scan = |details: Details| {
                let details_of = |_, _| details;
                // Never both at once; but process 1 may not panic.
                match command.try_borrow_mut() {
                    Ok(mut command) => scan(&mut command, None, details_of),
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
                    action => carry_out(options, command, action),
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

    /// Notes how many have been killed for want of memory before COMMAND ran. It runs meanwhile,
    /// and need not wait for this. Where it has ended by now, it may be one of them, if there is any.
    fn note_memory(&mut self) {
        let memory = MemoryCgroup::find();
        let runs = || self.command.lives() && self.command.ending_of_zombie().is_none();
        self.memory = memory.filter(|memory| !memory.had_killed() || runs());
    }

    /// Reaps a batch of dead children.
    fn reap(&mut self) {
        self.more_to_reap = false;
        self.signals_since_reaping = 0;
        let ending = self.command.ending_of_zombie();
        if ending
            .and_then(|ending| self.unasked_kill(ending))
            .is_some()
        {
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

    fn reap_next(&mut self) -> Result<Reaped, Errno> {
        let (command, command_lives) = (self.command.pid(), self.command.lives());
        let is_command = |pid| command_lives && pid == command;
        let terminal = self.given.terminal.as_ref();
        let has_terminal = || terminal.is_some_and(Terminal::is_there);
        let wants_zombie = self.lifecycle.needs_zombie();
        let zombie = wants_zombie.then(wait::next_dead).flatten();
        let zombie = zombie.map(|pid| (pid, procfs::zombie(pid)));
        let (signals, command) = (&mut self.signals, &mut self.command);
        let reaped = reap_shown(self.options, is_command, || {
            command.reap_next(signals, has_terminal)
        });
        if let Ok(Reaped::Child(pid, ending)) = reaped {
            if is_command(pid) {
                self.command_ended(ending);
            } else {
                // Another one may have died since.
                let zombie = zombie.filter(|(seen, _)| *seen == pid);
                let zombie = zombie.and_then(|(_, zombie)| zombie);
                self.lifecycle.child_ended(pid, ending, zombie);
            }
        }
        reaped
    }

    fn command_ended(&mut self, ending: Ending) {
        let pid = self.command.pid();
        // What has not been asked by now is the drain's to ask.
        self.pending_stop = None;
        self.log(&Message::Ended {
            command: &self.search.name,
            pid,
            ending,
        });
        let guess = self.guess_asked(ending);
        self.explain(pid, ending, guess);
        self.lifecycle.command_ended(ending, guess);
    }

    /// Ctrl-C and Ctrl-\ go from the terminal to the whole foreground group,
    /// past rinit. An exit with 130 would prove nothing: a shell that ends has
    /// it from a job of its own, in another group. And a signal that was
    /// forwarded, though it asks for no stop, may have been meant as one where
    /// it has killed COMMAND.
    fn guess_asked(&self, ending: Ending) -> Option<Guess> {
        let Ending::Killed { by, .. } = ending else {
            return None;
        };
        let holds_terminal = |terminal: &Terminal| terminal.foreground_is_command();
        let is_key = matches!(by, Signal::INT | Signal::QUIT) && !self.command.has_been_sent(by);
        if is_key && self.given.terminal.as_ref().is_some_and(holds_terminal) {
            return Some(Guess::Everybody);
        }
        let was_forwarded =
            self.command.group_has_been_sent(by) && !self.lifecycle.stop_is_requested();
        was_forwarded.then_some(Guess::WhoCatches(by))
    }

    /// Explains why COMMAND ended, where that was nobody's wish and there is more to it than its status.
    fn explain(&mut self, pid: Pid, ending: Ending, guess: Option<Guess>) {
        if self.options.expected_exits.contains(ending.status()) {
            return;
        }
        if ending == Ending::Exited(exit_code::NOT_FOUND) {
            if let Some(failure) = explain::env::why_failed(self.search) {
                self.log(&Message::RanInVain(&failure));
            }
        }
        if guess == Some(Guess::Everybody) {
            return;
        }
        let Some(signal) = self.unasked_kill(ending) else {
            return;
        };
        if self.memory.is_none() {
            self.note_memory();
        }
        let reason = match ending {
            Ending::Killed { by, .. } if self.command.has_been_sent(by) => Reason::Forwarded,
            _ => Reason::of(signal, self.search, self.memory.as_ref()),
        };
        let is_out_of_memory = matches!(reason, Reason::OutOfMemory { .. });
        if matches!(ending, Ending::Killed { .. }) || is_out_of_memory {
            self.log(&Message::Died(&Death {
                command: &self.search.name,
                pid,
                name: self.command.name(),
                ending,
                reason,
            }));
        }
    }

    /// The signal that has ended COMMAND, or a process of its own, without a stop request.
    fn unasked_kill(&self, ending: Ending) -> Option<Signal> {
        match ending {
            Ending::Killed { by, .. } => {
                let stop = self.lifecycle.stop_is_requested();
                // Apache, asked by WINCH, ends its own group by SIGTERM.
                let was_asked = stop && (by == Signal::TERM || self.command.has_been_sent(by));
                let is_own_kill = by == Signal::KILL && self.command.has_been_sent(by);
                Some(by).filter(|_| !was_asked && !is_own_kill)
            }
            // A shell shows by its status that a process of its own was killed.
            Ending::Exited(_) => Some(Signal::KILL).filter(|kill| ending.is_answer_to(*kill)),
        }
    }

    fn reaped(&mut self, any_left: bool) {
        if self.command.lives() {
            if !any_left {
                self.log(&Message::LostCommand {
                    command: &self.search.name,
                    pid: self.command.pid(),
                });
            }
            self.command.note_name(false);
            self.stop_with_command();
        }
        if !any_left {
            return self.lifecycle.nothing_left(clock::now);
        }
        if !self.command.lives() {
            self.see_group();
            self.continue_stopped();
        }
        let next = self.report(|lifecycle, _, act| lifecycle.reaped(clock::now, act));
        self.follow_up(next);
    }

    /// On a terminal: where COMMAND has stopped, rinit stops too.
    fn stop_with_command(&mut self) {
        if self.command_goes_on {
            return;
        }
        let Some(terminal) = &mut self.given.terminal else {
            return;
        };
        let Some(signal) = self.command.stopped_by() else {
            return;
        };
        // Without one, it is for whoever has stopped COMMAND to continue it.
        if !terminal.is_there() {
            return;
        }
        // It wants to use the terminal from the background, but rinit's group has the
        // foreground: in a pipeline, or since `fg`, of which no signal tells while a job runs.
        let wants_terminal = matches!(signal, Signal::TTIN | Signal::TTOU);
        if (wants_terminal && terminal.give_if_held()) || terminal.stop_with_command() {
            self.command_goes_on = true;
            return;
        }
        let terminal_is_others = terminal.is_others();
        // Nobody can continue rinit, and so nobody would continue COMMAND: without an init, too,
        // Ctrl-Z does nothing there, nor could process 1 stop itself.
        self.command_goes_on = match signal {
            Signal::TSTP => true,
            Signal::STOP => getpid() == Pid::from_raw(1),
            // Without the terminal it would just stop again, and again.
            _ => terminal.give_if_held() || terminal.foreground_is_command(),
        };
        if wants_terminal && !self.command_goes_on && terminal_is_others {
            // What the kernel does to an orphaned group in the background: it would never get
            // the terminal.
            self.command.send(Signal::HUP, Target::Group);
            self.command_goes_on = true;
        }
    }

    /// The terminal comes back with the end of COMMAND's group.
    fn see_group(&mut self) {
        if !self.command.group_left() {
            self.take_terminal_back();
        }
    }

    fn take_terminal_back(&mut self) {
        if let Some(terminal) = &mut self.given.terminal {
            terminal.take_back();
        }
    }

    /// What outlives COMMAND has no shell above that could continue it, whereas
    /// Ctrl-Z would stop it for good; and an editor that restores the terminal
    /// stops for want of it.
    fn continue_stopped(&mut self) {
        for _ in 0..BATCH {
            let Some((pid, signal)) = wait::next_stopped() else {
                return;
            };
            let Ok(group) = nix::unistd::getpgid(Some(pid)) else {
                continue;
            };
            let goes_on = match (signal, &mut self.given.terminal) {
                // The key has stopped its whole group.
                (Signal::TSTP, _) => true,
                (Signal::TTIN | Signal::TTOU, Some(terminal)) => terminal.give_to(group),
                _ => false,
            };
            if goes_on {
                let _ = kill::group(group, Signal::CONT);
            }
        }
        // Those that stop themselves again and again have no end.
        self.more_to_reap = true;
    }

    fn time_passed(&mut self) {
        let Some(deadline) = self.deadline() else {
            return;
        };
        let now = clock::now();
        if deadline > now {
            return;
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
        let input_pipe = self.given.input_pipe;
        let lifecycle = &self.lifecycle;
        let details_of = |pid, in_group| lifecycle.details_of(pid, in_group);
        let found = scan(&mut self.command, input_pipe, details_of);
        let now = clock::now();
        self.report(|lifecycle, _, act| lifecycle.scanned(now, &found, group_left, act));
    }

    fn log(&self, message: &Message) {
        log(self.options.level, message);
    }
}

fn carry_out(options: &Options, command: &mut Command, action: Action) {
    let level = options.level;
    match action {
        Action::Send { signal, to } => command.send(signal, to),
        Action::ContinueIfStopped => command.continue_if_stopped(),
        Action::AnnounceDrain => log(level, &Message::Draining),
        Action::ExplainWait(request) => {
            let holdups = find_holdups(command, request);
            log(
                level,
                &if command.lives() {
                    Message::StillRunning(&holdups)
                } else {
                    Message::Awaited(&holdups)
                },
            );
        }
        Action::NameKilled(request) => {
            log(level, &Message::Killed(&find_holdups(command, request)));
        }
    }
}

fn find_holdups(command: &Command, request: Requested) -> Holdups {
    Holdups::find(&Request {
        signal: request.signal,
        at: request.at,
        to_group: request.to_group,
        command: command.pid(),
        command_lives: command.lives(),
    })
}

/// Scans for rinit's children. `details_of`: what to find out about one.
fn scan(
    command: &mut Command,
    input_pipe: Option<u64>,
    details_of: impl Fn(Pid, bool) -> Details,
) -> Scan {
    let pids = match procfs::children() {
        Ok(pids) => pids,
        Err(ScanError::NoProc) => return Scan::NoProc,
        Err(ScanError::Failed) => return Scan::Failed,
    };
    let mut children = Vec::new();
    if children.try_reserve_exact(pids.len()).is_err() {
        return Scan::Failed;
    }
    for pid in pids {
        let in_group = command.is_member(pid);
        let details = details_of(pid, in_group);
        children.push(Child {
            pid,
            in_group,
            start_info: details
                .start_info
                .then(|| procfs::start_info(pid))
                .flatten(),
            input: Input::default(),
        });
    }
    let wants_input = |child: &Child| details_of(child.pid, child.in_group).input;
    log_filters::see_inputs(command, input_pipe, &mut children, wants_input);
    Scan::Found(children)
}

/// A signal that a system call of rinit's own has caused: a write to a pipe
/// without a reader, or beyond the file size limit.
fn is_own_doing(arrival: &Arrival) -> bool {
    matches!(arrival.signal, Signal::PIPE | Signal::XFSZ) && arrival.sender == Some(getpid())
}
