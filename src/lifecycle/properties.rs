//! The promises of the life cycle, held against random histories.
//!
//! A small world of processes stands in for the kernel: they fork, die, are
//! adopted, ignore signals; signals come from outside; time is moved by hand.
//! Whatever the life cycle does in it is held against its promises:
//!
//! 1. The exit status is COMMAND's; where daemons are served, that of the first
//!    of them that was no success.
//! 2. No process is told to finish twice by rinit.
//! 3. Whoever outlives COMMAND is told, once it is their turn.
//! 4. Nobody gets SIGKILL before a deadline.
//! 5. Nobody outside COMMAND's group is told while a child of that group is
//!    left, and of those nobody who was rinit's child when the stop was asked
//!    for while one is left who was not, unless 5 s have passed.
//! 6. A SIGTERM repeated from outside reaches nobody before their turn, and
//!    daemons once.
//! 7. It ends as soon as every process has ended.
//! 8. It does not end while one lives and no deadline has passed.

use proptest::prelude::*;

use super::stop_requests::{HOLDS, STOP_SIGNALS};
use super::*;
use crate::process::{Child, StartInfo};
use crate::signal::Signals;

const COMMAND: Pid = Pid::from_raw(2);

/// What happens in the world.
#[derive(Clone, Debug)]
enum Step {
    Signal(Signal),
    /// So many milliseconds pass.
    Pass(u64),
    /// Some process forks; the child may leave the group.
    Fork {
        parent: usize,
        leaves_group: bool,
        ignores: Signals,
    },
    /// Some process other than COMMAND dies.
    Die(usize, Ending),
    CommandEnds(Ending),
}

/// Decides by the digits of a number: proptest's own strategies would take far longer than the histories.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        let rolled = self.0 % sides;
        self.0 /= sides;
        rolled
    }

    fn coin(&mut self) -> bool {
        self.roll(2) == 1
    }

    fn ending(&mut self) -> Ending {
        match self.roll(3) {
            0 => Ending::Exited(0),
            1 => Ending::Exited(self.roll(256) as u8),
            _ => Ending::Killed {
                by: self.signal(),
                core_dumped: false,
            },
        }
    }

    fn signal(&mut self) -> Signal {
        match self.roll(7) {
            0..3 => Signal::TERM,
            3..6 => STOP_SIGNALS[self.roll(STOP_SIGNALS.len() as u64) as usize],
            _ => Signal::new(self.roll(64) as i32 + 1).unwrap(),
        }
    }

    fn mask(&mut self) -> Signals {
        Signals(match self.roll(3) {
            0 => 0,
            1 => 0b110,
            // What is left of the number, stirred up.
            _ => self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        })
    }

    fn limit(&mut self) -> Option<Duration> {
        self.coin()
            .then(|| Duration::from_millis(self.roll(20_000)))
    }

    fn step(mut self) -> Step {
        match self.roll(17) {
            0..3 => Step::Signal(self.signal()),
            3..7 => Step::Pass(match self.roll(4) {
                0 => self.roll(30),
                1 => self.roll(3_000),
                2 => self.roll(20_000),
                _ => 500_000 + self.roll(200_000),
            }),
            7..12 => Step::Fork {
                parent: self.roll(1_000) as usize,
                leaves_group: self.coin(),
                ignores: self.mask(),
            },
            12..16 => Step::Die(self.roll(1_000) as usize, self.ending()),
            _ => Step::CommandEnds(self.ending()),
        }
    }

    fn options(mut self) -> Options {
        let mut options = Options {
            single_child: self.coin(),
            daemon: self.coin(),
            grace: self.limit(),
            kill_after: self.limit(),
            ..Options::default()
        };
        if self.coin() {
            let from = self.signal();
            let to = self.coin().then(|| self.signal());
            // What daemons are told by is told from what rinit sends on its own.
            let is_own = |to: &Signal| [Signal::KILL, Signal::CONT].contains(to);
            let to = to.filter(|to| !options.daemon || !is_own(to));
            options.rewrites.add(crate::options::Rewrite { from, to });
        }
        options
    }
}

fn step() -> impl Strategy<Value = Step> {
    any::<u64>().prop_map(|number| Dice(number).step())
}

fn options() -> impl Strategy<Value = Options> {
    any::<u64>().prop_map(|number| Dice(number).options())
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    /// `None`: rinit.
    parent: Option<Pid>,
    in_group: bool,
    started_at: Time,
    ignores: Signals,
    /// Outside the group and rinit's child when a stop request came.
    detached: bool,
    told: u32,
    /// Stop signals that came with the group's.
    got_with_group: Vec<(Signal, Time)>,
    killed: bool,
}

struct World {
    now: Time,
    processes: Vec<Process>,
    /// The signal that is being forwarded, as it arrived.
    forwarding: Option<Signal>,
    command: Option<(Ending, Time)>,
    /// COMMAND has left the work to daemons.
    serves: bool,
    daemon_failed: Option<Ending>,
    /// How often each daemon was sent what SIGTERM is forwarded as, beside being told.
    terms: u32,
    /// COMMAND's end came soon enough after a stop request.
    end_was_asked_for: bool,
    /// All stop requests.
    asked: Vec<(Signal, Time)>,
    look_wanted: bool,
}

impl World {
    fn new() -> Self {
        let now = Duration::from_secs(10_000);
        let mut world = Self {
            now,
            processes: Vec::new(),
            forwarding: None,
            command: None,
            serves: false,
            daemon_failed: None,
            terms: 0,
            end_was_asked_for: false,
            asked: Vec::new(),
            look_wanted: false,
        };
        world.fork(COMMAND, None, true, Signals::default());
        world
    }

    /// As soon as one is gone, its pid is used again.
    fn free_pid(&self) -> Pid {
        let is_free = |pid: &Pid| self.processes.iter().all(|process| process.pid != *pid);
        let mut pids = (COMMAND.as_raw() + 1..).map(Pid::from_raw);
        pids.find(is_free).unwrap()
    }

    fn fork(&mut self, pid: Pid, parent: Option<Pid>, in_group: bool, ignores: Signals) {
        self.processes.push(Process {
            pid,
            parent,
            in_group,
            started_at: self.now,
            ignores,
            detached: false,
            told: 0,
            got_with_group: Vec::new(),
            killed: false,
        });
    }

    /// Takes the process away; its children become rinit's. Tells whether it was rinit's child.
    fn bury(&mut self, pid: Pid) -> bool {
        let place = self.processes.iter().position(|process| process.pid == pid);
        let dead = self.processes.remove(place.unwrap());
        for process in &mut self.processes {
            if process.parent == Some(pid) {
                process.parent = None;
            }
        }
        dead.parent.is_none()
    }

    fn children(&self) -> impl Iterator<Item = &Process> {
        self.processes
            .iter()
            .filter(|process| process.parent.is_none())
    }

    fn group_left(&self) -> bool {
        self.children().any(|process| process.in_group)
    }

    fn is_turn_of(&self, process: &Process) -> bool {
        let ended = self.command.map(|(_, at)| at).unwrap();
        let waited_enough = self.now >= ended + OTHERS_WAIT;
        let is_inherited = |process: &Process| !process.in_group && !process.detached;
        let inherited_left = self.children().any(is_inherited);
        let earlier_turn_left = self.group_left() || process.detached && inherited_left;
        self.serves || process.in_group || waited_enough || !earlier_turn_left
    }

    /// Promise 4: when SIGKILL may come.
    fn kill_is_due(&self, options: &Options) -> bool {
        let starts_clock = |(signal, _): &&(Signal, Time)| *signal != Signal::QUIT;
        let first_stop = self.asked.iter().find(starts_clock);
        let kill_after = first_stop
            .zip(options.kill_after)
            .is_some_and(|((_, at), limit)| self.now >= *at + limit);
        let grace = self.command.is_some_and(|(_, ended)| {
            if self.serves {
                let mut stops = self.asked.iter().filter(starts_clock);
                return options
                    .grace
                    .is_some_and(|grace| stops.any(|(_, at)| self.now >= ended.max(*at) + grace));
            }
            let asked = self.end_was_asked_for;
            let grace = options.grace.or((!asked).then_some(DEFAULT_GRACE));
            grace.is_some_and(|grace| self.now >= ended + grace)
        });
        kill_after || grace
    }

    fn carry_out(&mut self, options: &Options, action: Action) {
        match action {
            Action::Look => self.look_wanted = true,
            Action::Send { signal, to } => self.send(options, signal, to),
            Action::ContinueIfStopped
            | Action::AnnounceDrain
            | Action::NameAwaited
            | Action::NameKilled => {}
        }
    }

    fn send(&mut self, options: &Options, signal: Signal, to: Target) {
        if signal == Signal::KILL && self.forwarding.is_none() {
            assert!(self.kill_is_due(options), "promise 4: killed too early");
        }
        match to {
            Target::Command => {}
            Target::Group | Target::GroupAndCommand => {
                for process in self.processes.iter_mut().filter(|process| process.in_group) {
                    let stop = self
                        .forwarding
                        .filter(|signal| STOP_SIGNALS.contains(signal));
                    if stop.is_some() {
                        process.got_with_group.push((signal, self.now));
                    }
                    process.killed |= signal == Signal::KILL;
                }
            }
            Target::Child(pid) if ![Signal::KILL, Signal::CONT].contains(&signal) => self.tell(pid),
            Target::Child(pid) => {
                let process = self.processes.iter_mut().find(|process| process.pid == pid);
                process.unwrap().killed |= signal == Signal::KILL;
            }
            Target::EachChild if self.serves => {
                self.terms += u32::from(self.forwarding == Some(Signal::TERM));
                assert!(self.terms <= 1, "promise 6: SIGTERM repeated");
            }
            Target::EachChild => {
                assert_ne!(signal, Signal::TERM, "promise 6: SIGTERM out of turn");
                let received = self.forwarding;
                assert_ne!(received, Some(Signal::TERM), "promise 6: SIGTERM rewritten");
            }
            Target::Everyone => panic!("there is a /proc"),
        }
    }

    fn tell(&mut self, pid: Pid) {
        let ended = self.command.unwrap().1;
        let place = self.processes.iter().position(|process| process.pid == pid);
        let place = place.expect("only the living are told");
        let is_turn = self.is_turn_of(&self.processes[place]);
        let process = &mut self.processes[place];
        assert_eq!(process.parent, None, "parents stop their own children");
        process.told += 1;
        assert_eq!(process.told, 1, "promise 2: told twice");
        if process.in_group {
            assert!(
                !has_heard(process, ended),
                "promise 2: told by the group's signal and again"
            );
        }
        assert!(is_turn, "promise 5: {process:?} is told before its turn");
    }

    /// Promise 3, after a look.
    fn assert_all_are_told(&self) {
        let ended = self.command.unwrap().1;
        for process in self.children() {
            if self.is_turn_of(process) {
                let heard = process.in_group && has_heard(process, ended);
                assert!(
                    process.told == 1 || heard,
                    "promise 3: {process:?} is not told"
                );
            }
        }
    }
}

/// Whether the process was there in good time when a stop signal came to its group.
fn has_heard(process: &Process, ended: Time) -> bool {
    process.got_with_group.iter().any(|(signal, at)| {
        let born_before = process.started_at.as_millis() / 10 < at.as_millis() / 10;
        let ignored = process.ignores.contains(*signal);
        born_before && !ignored && ended <= *at + HOLDS
    })
}

/// The life cycle in its world.
struct Run<'a> {
    options: &'a Options,
    world: World,
    lifecycle: Lifecycle<'a>,
}

impl Run<'_> {
    fn event(&mut self, event: impl FnOnce(&mut Lifecycle, Time, &mut dyn FnMut(Action))) {
        let (options, world) = (self.options, &mut self.world);
        let now = world.now;
        event(&mut self.lifecycle, now, &mut |action| {
            world.carry_out(options, action)
        });
        if std::mem::take(&mut self.world.look_wanted) {
            self.look();
        }
        self.assert_end();
    }

    fn find_children(&self) -> Vec<Child> {
        let start_info = |process: &Process| StartInfo {
            started_at: u64::try_from(process.started_at.as_millis() / 10).unwrap(),
            ignored: process.ignores,
        };
        let found = |process: &Process| {
            let is_wanted = process.in_group && self.lifecycle.needs_start_info(process.pid);
            Child {
                pid: process.pid,
                in_group: process.in_group,
                start_info: is_wanted.then(|| start_info(process)),
            }
        };
        self.world.children().map(found).collect()
    }

    fn look(&mut self) {
        let found = self.find_children();
        let group_left = self.world.group_left();
        let draining = matches!(self.lifecycle.phase, Phase::Draining(_));
        self.event(|lifecycle, now, act| lifecycle.looked(now, &found, group_left, act));
        if draining {
            self.world.assert_all_are_told();
        }
    }

    /// Promises 7 and 8.
    fn assert_end(&self) {
        let over = self.lifecycle.exit_status().is_some();
        let any_left = self.world.children().next().is_some();
        if over && any_left {
            let due = self.world.kill_is_due(self.options);
            assert!(due, "promise 8: ended while a process lives");
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Signal(signal) => self.signal(*signal),
            Step::Pass(millis) => self.pass(Duration::from_millis(*millis)),
            Step::Fork {
                parent,
                leaves_group,
                ignores,
            } => {
                let count = self.world.processes.len();
                if let Some(parent) = parent.checked_rem(count) {
                    let parent = &self.world.processes[parent];
                    let in_group = parent.in_group && !leaves_group;
                    let parent = Some(parent.pid);
                    let pid = self.world.free_pid();
                    self.world.fork(pid, parent, in_group, *ignores);
                }
            }
            Step::Die(place, ending) => {
                let count = self.world.processes.len();
                if let Some(place) = place.checked_rem(count) {
                    let pid = self.world.processes[place].pid;
                    if pid != COMMAND {
                        self.die(pid, *ending);
                    }
                }
            }
            Step::CommandEnds(ending) => {
                if self.world.command.is_none() {
                    self.command_ends(*ending);
                }
            }
        }
    }

    fn signal(&mut self, signal: Signal) {
        if STOP_SIGNALS.contains(&signal) {
            self.world.asked.push((signal, self.world.now));
        }
        if self.lifecycle.needs_look_before(signal) {
            self.lifecycle.found_before_stop(&self.find_children());
            for process in &mut self.world.processes {
                process.detached |= !process.in_group && process.parent.is_none();
            }
        }
        self.world.forwarding = Some(signal);
        self.event(|lifecycle, now, act| lifecycle.signal_arrived(|| now, signal, act));
        self.world.forwarding = None;
    }

    fn pass(&mut self, time: Duration) {
        let until = self.world.now + time;
        while let Some(deadline) = self.lifecycle.deadline().filter(|at| *at <= until) {
            self.world.now = self.world.now.max(deadline);
            self.event(|lifecycle, now, act| lifecycle.time_passed(now, act));
            let next = self.lifecycle.deadline();
            assert!(
                next.is_none_or(|next| next > self.world.now),
                "a deadline that stays is a busy loop"
            );
        }
        self.world.now = until;
    }

    fn die(&mut self, pid: Pid, ending: Ending) {
        if self.world.bury(pid) {
            if self.world.serves && ending != Ending::Exited(0) {
                self.world.daemon_failed.get_or_insert(ending);
            }
            self.lifecycle.child_ended(pid, ending);
            self.reaped();
        }
    }

    fn command_ends(&mut self, ending: Ending) {
        let now = self.world.now;
        self.world.command = Some((ending, now));
        self.world.serves = self.options.daemon && ending == Ending::Exited(0);
        let soon = |(_, at): &(Signal, Time)| now <= *at + HOLDS;
        self.world.end_was_asked_for = self.world.asked.iter().any(soon);
        self.world.bury(COMMAND);
        self.lifecycle.command_ended(ending);
        self.reaped();
    }

    fn reaped(&mut self) {
        let any_left = self.world.children().next().is_some();
        self.event(|lifecycle, now, act| {
            if any_left {
                lifecycle.reaped(|| now, act);
            } else {
                lifecycle.nothing_left(|| now);
            }
        });
    }

    /// Whatever is left dies, COMMAND first.
    fn finish(&mut self) -> u8 {
        if self.world.command.is_none() && self.lifecycle.exit_status().is_none() {
            self.command_ends(Ending::Exited(7));
        }
        while let Some(process) = self.world.processes.first() {
            if self.lifecycle.exit_status().is_some() {
                break;
            }
            let pid = process.pid;
            self.die(pid, Ending::Exited(0));
        }
        self.lifecycle
            .exit_status()
            .expect("promise 7: all processes have ended")
    }
}

proptest! {
    // What is found goes into a test of its own, and not into a file beside.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_promises(
        options in options(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut run = Run {
            options: &options,
            world: World::new(),
            lifecycle: Lifecycle::new(&options, false),
        };
        for step in &steps {
            if run.lifecycle.exit_status().is_some() {
                break;
            }
            run.take(step);
        }
        let status = run.finish();
        // Promise 1; a COMMAND that outlives its SIGKILL has none.
        let command = run.world.command.map(|(ending, _)| ending);
        let ending = run.world.daemon_failed.or(command);
        let expected = ending.map_or(137, Ending::status);
        prop_assert_eq!(status, expected);
    }
}
