//! Takes the life cycle through a history.

use std::time::Duration;

use nix::unistd::Pid;

use super::promises::{Judge, Occasion};
use super::world::{COMMAND, Parent, Proc, Process, Setting, Step, World};
use crate::ending::Ending;
use crate::lifecycle::{Action, Arrived, Guess, Lifecycle, Next};
use crate::options::ForwardTo;
use crate::process::{Scan, Zombie};
use crate::signal::Signal;
use crate::time::Time;

/// The life cycle in its world.
#[derive(Clone, Hash)]
pub struct Run<'a> {
    setting: &'a Setting,
    pub world: World,
    pub judge: Judge<'a>,
    pub lifecycle: Lifecycle<'a>,
}

impl<'a> Run<'a> {
    pub fn new(setting: &'a Setting) -> Self {
        Self {
            setting,
            world: World::new(setting.proc),
            judge: Judge::new(setting),
            lifecycle: Lifecycle::new(&setting.options, setting.is_pid_1),
        }
    }

    pub fn is_over(&self) -> bool {
        self.lifecycle.exit_status().is_some()
    }

    pub fn command_lives(&self) -> bool {
        self.judge.command.is_none()
    }

    pub fn take(&mut self, step: &Step) {
        if self.is_over() {
            return;
        }
        match *step {
            Step::Signal {
                signal,
                for_command_alone,
            } => self.signal(signal, for_command_alone),
            Step::Pass(millis) => self.pass(Duration::from_millis(millis)),
            Step::Fork(birth) => self.world.fork(&birth),
            Step::Enter => self.world.enter(),
            Step::ProcIs(proc) => self.world.proc = proc,
            Step::AskFilters => self.ask_filters(),
            Step::Die(place, ending) => {
                if let Some(place) = place.checked_rem(self.world.processes.len()) {
                    let pid = self.world.processes[place].pid;
                    if pid != COMMAND {
                        self.die(pid, ending);
                    }
                }
            }
            Step::CommandEnds {
                ending,
                on_terminal,
            } => {
                if self.judge.command.is_none() {
                    self.command_ends(ending, on_terminal);
                }
            }
        }
    }

    fn event(
        &mut self,
        occasion: Occasion,
        event: impl FnOnce(&mut Lifecycle, &mut dyn FnMut(Action)) -> Next,
    ) {
        let (world, judge) = (&mut self.world, &mut self.judge);
        judge.occasion = occasion;
        let next = event(&mut self.lifecycle, &mut |action| {
            judge.carry_out(world, action);
        });
        judge.check_continued(None);
        if next == Next::Scan {
            self.scan();
        }
        let over = self.is_over();
        self.judge.check_end(&self.world, over);
    }

    fn scan(&mut self) {
        if self.world.proc != Proc::There {
            // That a pipe has ended cannot be seen meanwhile.
            self.world.flowed_at = self.world.now;
        }
        let lifecycle = &self.lifecycle;
        let scan = self
            .world
            .scan(|process| lifecycle.details_of(process.pid, process.in_group));
        self.judge.occasion = Occasion::Scan;
        self.judge.note_scan(&scan);
        let group_left = self.world.group_left();
        let now = self.world.now;
        let (world, judge) = (&mut self.world, &mut self.judge);
        self.lifecycle
            .scanned(now, now, &scan, group_left, &mut |action| {
                judge.carry_out(world, action);
            });
        self.judge.check_continued(None);
        self.judge.check_scan(&self.world, &scan);
    }

    fn signal(&mut self, received: Signal, for_command_alone: bool) {
        // No two signals arrive at the same time.
        self.world.now = self.world.now.after(Duration::from_nanos(1));
        let options = &self.setting.options;
        let arrived = Arrived {
            signal: received,
            forwarded: options.rewrites.apply(received),
            to_group: match options.forward_to {
                ForwardTo::Group => true,
                ForwardTo::Command => false,
                ForwardTo::Auto => !for_command_alone,
            },
        };
        let is_stop = self.judge.note_arrival(&self.world, arrived);
        if is_stop && self.judge.command.is_none() {
            let scan = self.world.scan(|_| Default::default());
            if matches!(scan, Scan::Found(_)) {
                self.judge.note_scan(&scan);
                for process in &mut self.world.processes {
                    process.detached |= !process.in_group && process.parent == Parent::Rinit;
                }
            }
        }
        let now = self.world.now;
        let before = is_stop.then(|| self.world.clone());
        self.event(Occasion::Signal(arrived), |lifecycle, act| {
            let before = || before.expect("only a stop request is worth a scan");
            let scan = |details| before().scan(|_| details);
            lifecycle.signal_arrived(arrived, scan, || now, act)
        });
        self.report_one_by_one();
    }

    /// As the supervisor does, after the signals have been sent.
    fn report_one_by_one(&mut self) {
        let now = self.world.now;
        if std::mem::take(&mut self.judge.at_once) {
            self.lifecycle.group_asked_at_once();
        }
        for (signal, pid) in std::mem::take(&mut self.judge.one_by_one) {
            self.lifecycle.member_asked(signal, pid, now);
        }
    }

    fn ask_filters(&mut self) {
        if self.judge.command.is_none() {
            self.judge.ask_filters(&mut self.world);
            self.report_one_by_one();
        }
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now.after(time);
        while let Some(deadline) = self.lifecycle.deadline().filter(|at| *at <= until) {
            self.time_is(self.world.now.max(deadline));
            let next = self.lifecycle.deadline();
            assert!(
                next.is_none_or(|next| next > self.world.now),
                "a deadline that stays is a busy loop"
            );
        }
        self.world.now = until;
        self.judge.check_kill(&self.world, self.is_over());
    }

    pub fn time_is(&mut self, now: Time) {
        self.world.now = now;
        self.event(Occasion::Time, |lifecycle, act| {
            lifecycle.time_passed(now, act)
        });
    }

    pub fn die(&mut self, pid: Pid, ending: Ending) {
        let dead = self.world.bury(pid, ending);
        if dead.parent == Parent::Rinit {
            let zombie = self.zombie(&dead);
            self.judge.note_death(&dead, ending, zombie.is_some());
            self.lifecycle.child_ended(pid, ending, zombie);
            self.reaped();
        }
    }

    fn zombie(&self, dead: &Process) -> Option<Zombie> {
        (self.world.proc == Proc::There && !dead.unreadable).then(|| dead.zombie())
    }

    pub fn command_ends(&mut self, ending: Ending, on_terminal: bool) {
        self.world.bury(COMMAND, ending);
        for process in &mut self.world.processes {
            process.waits_for_stop = false;
        }
        self.lifecycle.command_ended(ending, self.world.now);
        let guess = match ending {
            Ending::Killed { by, .. }
                if on_terminal && matches!(by, Signal::INT | Signal::QUIT) =>
            {
                Some(Guess::Everybody)
            }
            Ending::Killed { by, .. } if !self.lifecycle.stop_is_requested() => {
                Some(Guess::WhoCatches(by))
            }
            _ => None,
        };
        self.lifecycle.note_guess(guess);
        self.judge.note_end(&self.world, ending, guess);
        for (dead, ending) in std::mem::take(&mut self.world.unreaped) {
            let zombie = self.zombie(&dead);
            self.lifecycle.child_ended(dead.pid, ending, zombie);
        }
        self.reaped();
    }

    fn reaped(&mut self) {
        let any_left = self.world.children().next().is_some();
        let now = self.world.now;
        self.event(Occasion::Reaping, |lifecycle, act| {
            if any_left {
                return lifecycle.reaped(|| now, act);
            }
            lifecycle.nothing_left();
            Next::Wait
        });
    }

    /// Whatever is left dies, COMMAND first.
    pub fn finish(&mut self) {
        if self.judge.command.is_none() && !self.is_over() {
            self.command_ends(Ending::Exited(7), false);
        }
        while let Some(process) = self.world.processes.first().filter(|_| !self.is_over()) {
            let pid = process.pid;
            self.die(pid, Ending::Exited(0));
        }
        let status = self.lifecycle.exit_status();
        let status = status.expect("promise 7: all processes have ended");
        self.judge.check_status(status);
    }
}
