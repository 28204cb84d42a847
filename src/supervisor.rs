//! The loop: waits, tells the life cycle what has happened, and carries out
//! what that decides.

use std::mem;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Pid, getpid};

use crate::ending::Ending;
use crate::exit_code;
use crate::explain::{self, Death, Reason};
use crate::hands::Hands;
use crate::lifecycle::Lifecycle;
use crate::message::{Fate, Message, log};
use crate::observe;
use crate::options::Options;
use crate::process::{Child, Name};
use crate::reaper::Reaper;
use crate::search::Search;
use crate::signal::Signal;
use crate::start::Command;
use crate::sys::cgroup::MemoryCgroup;
use crate::sys::procfs;
use crate::sys::reap::{self, Reaped};
use crate::sys::signals::{Arrival, Wake};
use crate::sys::terminal::Terminal;
use crate::sys::{clock, kill};

/// How many deaths to look at before signals get their turn.
const BATCH: usize = 4096;

/// Supervises COMMAND to its end, and what outlives it to the end of that.
/// Gives rinit's exit status.
pub fn supervise(
    options: &Options,
    is_pid_1: bool,
    command: &Command,
    terminal: Option<Terminal>,
) -> u8 {
    let may_leave_it = is_pid_1 && !options.daemon && !observe::shows_reaping(options);
    let mut supervisor = Supervisor {
        options,
        search: &command.search,
        memory: None,
        command_name: Name::unknown(),
        lifecycle: Lifecycle::new(options, is_pid_1),
        hands: Hands::new(Reaper::new(command.pid, may_leave_it), options.level),
        terminal,
        more_dead: false,
        command_goes_on: false,
    };
    // On a single processor COMMAND is to run first: all that follows can wait for it.
    std::thread::yield_now();
    // No signal tells of children that were made before rinit was executed, and died before it
    // blocked its signals. And COMMAND may have ended already.
    supervisor.reap();
    if supervisor.hands.command_lives() {
        supervisor.note_memory();
    }
    loop {
        if let Some(status) = supervisor.lifecycle.exit_status() {
            supervisor.take_terminal_back();
            log(options.level, &Message::Exiting(status));
            return status;
        }
        supervisor.wait();
        supervisor.time_passed();
    }
}

struct Supervisor<'a> {
    options: &'a Options,
    search: &'a Search,
    /// With the count of those killed before COMMAND ran.
    memory: Option<MemoryCgroup>,
    /// What COMMAND was called when it died, or when the kernel began to reap.
    command_name: Name,
    lifecycle: Lifecycle<'a>,
    hands: Hands,
    terminal: Option<Terminal>,
    /// No signal may tell of more deaths: the last batch was not the end of them.
    more_dead: bool,
    /// COMMAND, which is stopped, is to be continued, but not before it has been sent what has
    /// arrived until then: it could be stopped anew before that SIGTERM comes, and keep it pending.
    command_goes_on: bool,
}

impl Supervisor<'_> {
    fn wait(&mut self) {
        match self.hands.reaper.wait(self.limit()) {
            Ok(Wake::Signal(arrival)) => self.arrived(&arrival),
            Ok(Wake::Hangup) => self.reap(),
            Ok(Wake::Time) | Err(_) if mem::take(&mut self.command_goes_on) => {
                self.hands.send_to_group_and_command(Signal::CONT);
            }
            Ok(Wake::Time) if self.more_dead => self.reap(),
            Ok(Wake::Time) if self.limit() == Some(Duration::ZERO) => {}
            // EINTR, once rinit was stopped and continued. Were there no waiting at all, the
            // deaths at least would be found by asking.
            Ok(Wake::Time) | Err(_) => {
                clock::rest(self.limit());
                self.reap();
            }
        }
    }

    /// How long to wait at most: rounded up by the kernel's own timer.
    fn limit(&self) -> Option<Duration> {
        if self.more_dead || self.command_goes_on {
            return Some(Duration::ZERO);
        }
        let deadline = self.lifecycle.deadline()?;
        Some(deadline.saturating_sub(clock::now()))
    }

    fn arrived(&mut self, arrival: &Arrival) {
        let is_kernels = arrival.sender.is_none();
        if arrival.signal == Signal::CHLD {
            // Whoever sent it: a second SIGCHLD is not queued, so this may hide the kernel's.
            self.reap();
            if is_kernels {
                return;
            }
        }
        if is_own_doing(arrival) {
            return;
        }
        let forwarded = self.options.rewrites.apply(arrival.signal);
        let fate = forwarded.map_or(Fate::Dropped, Fate::Forwarded);
        observe::arrival(self.options, arrival, fate);
        if arrival.signal == Signal::CONT && self.hands.command_lives() {
            // `fg`: the terminal must be COMMAND's before it goes on.
            if let Some(terminal) = &mut self.terminal {
                terminal.go_along();
            }
        }
        if self.lifecycle.needs_look_before(arrival.signal) {
            // Whoever is found is not to be mixed up with one that gets the same pid later.
            self.hands.reaper.take_over();
            let children = self.find_children().unwrap_or_default();
            self.lifecycle.found_before_stop(&children);
        }
        let hands = &mut self.hands;
        self.lifecycle
            .signal_arrived(clock::now, arrival.signal, &mut |action| {
                hands.carry_out(action)
            });
        self.look_if_wanted();
    }

    /// Notes how many have been killed for want of memory before COMMAND ran. It runs meanwhile,
    /// and need not wait for this. Where it has ended by now, it may be one of them, if there is any.
    fn note_memory(&mut self) {
        let memory = MemoryCgroup::find();
        let command = self.hands.command();
        let runs = || self.hands.command_lives() && reap::ending_of_zombie(command).is_none();
        self.memory = memory.filter(|memory| !memory.had_killed() || runs());
    }

    /// Reaps a batch of dead children.
    fn reap(&mut self) {
        self.more_dead = false;
        if self.hands.command_lives() {
            let command = self.hands.command();
            let ending = reap::ending_of_zombie(command);
            if ending
                .and_then(|ending| self.unasked_kill(ending))
                .is_some()
            {
                // It goes with the zombie.
                self.command_name = procfs::name(command);
            }
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
        self.more_dead = true;
        self.reaped(true);
    }

    fn reap_next(&mut self) -> Result<Reaped, Errno> {
        let reaper = &mut self.hands.reaper;
        let (command, command_lives) = (reaper.command(), reaper.command_lives());
        // Once COMMAND is reaped, its pid may be another's.
        let is_command = |pid| command_lives && pid == command;
        let terminal = self.terminal.as_ref();
        let has_terminal = || terminal.is_some_and(Terminal::is_there);
        let reaped = observe::reap(self.options, is_command, || reaper.next(has_terminal));
        if let Ok(Reaped::Child(pid, ending)) = reaped {
            if is_command(pid) {
                self.command_ended(ending);
            } else {
                self.lifecycle.child_ended(pid, ending);
            }
        }
        reaped
    }

    fn command_ended(&mut self, ending: Ending) {
        let pid = self.hands.command();
        self.log(&Message::Ended { pid, ending });
        self.note_key_at_terminal(ending);
        self.explain(pid, ending);
        self.lifecycle.command_ended(ending);
    }

    /// Ctrl-C and Ctrl-\ go from the terminal to the whole foreground group,
    /// past rinit. An exit with 130 would tell nothing: a shell that ends has
    /// it from a job of its own, in another group.
    fn note_key_at_terminal(&mut self, ending: Ending) {
        let Ending::Killed { by, .. } = ending else {
            return;
        };
        let is_foreground = |terminal: &Terminal| terminal.foreground_is_command();
        let is_key = matches!(by, Signal::INT | Signal::QUIT);
        if is_key && self.terminal.as_ref().is_some_and(is_foreground) {
            self.hands.sent.add(by);
            self.lifecycle.typed_at_terminal(clock::now(), by);
        }
    }

    /// Says why COMMAND ended, where that was nobody's wish and there is more to say than its status.
    fn explain(&mut self, pid: Pid, ending: Ending) {
        if ending == Ending::Exited(exit_code::NOT_FOUND) {
            if let Some(failure) = explain::env::why_failed(self.search) {
                self.log(&Message::RanInVain(&failure));
            }
        }
        let Some(signal) = self.unasked_kill(ending) else {
            return;
        };
        if self.memory.is_none() {
            self.note_memory();
        }
        let reason = Reason::of(signal, self.search, self.memory.as_ref());
        let is_out_of_memory = matches!(reason, Reason::OutOfMemory { .. });
        if matches!(ending, Ending::Killed { .. }) || is_out_of_memory {
            self.log(&Message::Died(&Death {
                command: &self.search.name,
                pid,
                name: &self.command_name,
                ending,
                reason,
            }));
        }
    }

    /// The signal that has ended COMMAND, or a process of its own, without rinit's doing.
    fn unasked_kill(&self, ending: Ending) -> Option<Signal> {
        match ending {
            Ending::Killed { by, .. } => Some(by).filter(|by| !self.hands.sent.contains(*by)),
            // A shell says with its status that a process of its own was killed.
            Ending::Exited(_) => Some(Signal::KILL).filter(|kill| ending.is_answer_to(*kill)),
        }
    }

    fn reaped(&mut self, any_left: bool) {
        if self.hands.command_lives() {
            if !any_left {
                self.log(&Message::LostCommand(self.hands.command()));
            }
            if self.hands.reaper.kernel_reaps() {
                // There may be no later chance.
                self.command_name = procfs::name(self.hands.command());
            }
            self.stop_with_command();
        }
        if !any_left {
            return self.lifecycle.nothing_left(clock::now);
        }
        if !self.hands.command_lives() {
            self.see_group();
            continue_stopped();
        }
        let hands = &mut self.hands;
        self.lifecycle
            .reaped(clock::now, &mut |action| hands.carry_out(action));
        self.look_if_wanted();
    }

    /// On a terminal: where COMMAND has stopped, rinit stops too.
    fn stop_with_command(&mut self) {
        if self.command_goes_on {
            return;
        }
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        let Some(signal) = reap::stopped_by(self.hands.command()) else {
            return;
        };
        // Without one, it is for whoever has stopped COMMAND to continue it.
        if !terminal.is_there() {
            return;
        }
        // It wants to use the terminal from the background, but rinit's group has the
        // foreground: in a pipeline, or since `fg`, of which no signal tells while a job runs.
        let wants_terminal = matches!(signal, Signal::TTIN | Signal::TTOU);
        self.command_goes_on = (wants_terminal && terminal.give_if_held())
            || terminal.stop_with_command()
            // Nobody can continue rinit, and so nobody would continue COMMAND:
            // without an init, too, Ctrl-Z does nothing there.
            || signal == Signal::TSTP
            // Without the terminal it would just stop again, and again.
            || (wants_terminal && (terminal.give_if_held() || terminal.foreground_is_command()));
    }

    /// The terminal comes back with the end of COMMAND's group.
    fn see_group(&mut self) {
        self.hands.see_group();
        if !self.hands.group_left {
            self.take_terminal_back();
        }
    }

    fn take_terminal_back(&mut self) {
        if let Some(terminal) = &mut self.terminal {
            terminal.take_back();
        }
    }

    fn time_passed(&mut self) {
        let Some(deadline) = self.lifecycle.deadline() else {
            return;
        };
        let now = clock::now();
        if deadline <= now {
            let hands = &mut self.hands;
            self.lifecycle
                .time_passed(now, &mut |action| hands.carry_out(action));
            self.look_if_wanted();
        }
    }

    fn look_if_wanted(&mut self) {
        if !mem::take(&mut self.hands.look_wanted) {
            return;
        }
        // The last of the group may have left it without a death.
        self.see_group();
        let found = self.find_children();
        let now = clock::now();
        let group_left = self.hands.group_left;
        let hands = &mut self.hands;
        let act = &mut |action| hands.carry_out(action);
        match found {
            Some(children) => self.lifecycle.looked(now, &children, group_left, act),
            None => self.lifecycle.could_not_look(now, group_left, act),
        }
    }

    fn find_children(&self) -> Option<Vec<Child>> {
        let pids = procfs::children()?;
        let mut children = Vec::new();
        children.try_reserve_exact(pids.len()).ok()?;
        for pid in pids {
            // COMMAND counts as one of its group wherever it has gone: it has not detached.
            let command = self.hands.command();
            let in_group = self.hands.group_left
                && (pid == command || nix::unistd::getpgid(Some(pid)) == Ok(command));
            let start_info = if in_group && self.lifecycle.needs_start_info(pid) {
                procfs::start_info(pid)
            } else {
                None
            };
            children.push(Child {
                pid,
                in_group,
                start_info,
            });
        }
        Some(children)
    }

    fn log(&self, message: &Message) {
        log(self.options.level, message);
    }
}

/// What outlives COMMAND has no shell above that could continue it, whereas
/// Ctrl-Z would stop it for good.
fn continue_stopped() {
    while let Some((pid, signal)) = reap::next_stopped() {
        if signal == Signal::TSTP {
            // The key has stopped its whole group.
            let _ =
                nix::unistd::getpgid(Some(pid)).and_then(|group| kill::group(group, Signal::CONT));
        }
    }
}

/// A signal that a system call of rinit's own has caused: a write to a pipe
/// without a reader, or beyond the file size limit.
fn is_own_doing(arrival: &Arrival) -> bool {
    matches!(arrival.signal, Signal::PIPE | Signal::XFSZ) && arrival.sender == Some(getpid())
}
