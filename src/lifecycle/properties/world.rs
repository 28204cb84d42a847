//! A world of processes, which stands in for the kernel.

use std::time::Duration;

use nix::unistd::Pid;

use crate::ending::Ending;
use crate::lifecycle::Details;
use crate::options::Options;
use crate::process::{Child, Input, Scan, StartInfo, Zombie};
use crate::signal::{Signal, Signals};
use crate::time::Time;

pub const COMMAND: Pid = Pid::from_raw(2);

/// What stays as it is in a history.
#[derive(Debug)]
pub struct Setting {
    pub options: Options,
    pub is_pid_1: bool,
    /// As it is at first.
    pub proc: Proc,
}

/// What happens in the world.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Signal {
        signal: Signal,
        /// With `--forward-to auto`, it goes to COMMAND alone.
        for_command_alone: bool,
    },
    /// So many milliseconds pass.
    Pass(u64),
    Fork(Birth),
    /// Some process other than COMMAND dies.
    Die(usize, Ending),
    CommandEnds {
        ending: Ending,
        on_terminal: bool,
    },
    /// A process enters from outside.
    Enter,
    ProcIs(Proc),
    /// The turn of those log filters that a stop signal has yet to reach, while COMMAND lives.
    AskFilters,
}

/// Some process forks.
#[derive(Clone, Copy, Default, Debug)]
pub struct Birth {
    pub parent: usize,
    pub leaves_group: bool,
    /// A log filter: some process writes to its standard input.
    pub reads_from: Option<usize>,
    /// /proc shows nothing of it.
    pub unreadable: bool,
    pub caught: Signals,
    pub ignored: Signals,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Proc {
    There,
    Failing,
    Absent,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Parent {
    Rinit,
    Outside,
    Process(Pid),
}

/// A stop signal that has reached a process.
#[derive(Clone, Copy, Debug, Hash)]
pub struct Reached {
    pub received: Signal,
    pub sent: Signal,
    pub at: Time,
    /// With COMMAND's group, all at once.
    pub with_group: bool,
}

#[derive(Clone, Debug, Hash)]
pub struct Process {
    pub pid: Pid,
    pub parent: Parent,
    pub in_group: bool,
    pub session: Pid,
    pub from_outside: bool,
    pub started_at: Time,
    pub unreadable: bool,
    pub caught: Signals,
    pub ignored: Signals,
    /// Its standard input is a pipe that a member of COMMAND's group was to fill.
    pub is_filter: bool,
    /// Who writes to that, while it lives.
    pub reads_from: Option<Pid>,
    /// It has been left out of the latest stop signal so far.
    pub waits_for_stop: bool,
    /// Outside the group and rinit's child when a stop request came.
    pub detached: bool,
    pub reached: Vec<Reached>,
    /// By rinit's own request.
    pub asked: bool,
    /// By SIGTERM, sent to it alone.
    pub termed: bool,
    pub killed: bool,
}

#[derive(Clone, Hash)]
pub struct World {
    pub now: Time,
    pub proc: Proc,
    pub processes: Vec<Process>,
    /// When a log filter that somebody alive writes to was last seen, or one became rinit's.
    pub flowed_at: Time,
    next_pid: i32,
    /// COMMAND does not wait for children that fail: they are rinit's to reap after it.
    pub unreaped: Vec<(Process, Ending)>,
    /// With the time at which each became free.
    free_pids: Vec<(Pid, Time)>,
}

impl World {
    pub fn new(proc: Proc) -> Self {
        let mut world = Self {
            now: Time(Duration::from_secs(10_000)),
            proc,
            processes: Vec::new(),
            flowed_at: Time::default(),
            unreaped: Vec::new(),
            next_pid: COMMAND.as_raw(),
            free_pids: Vec::new(),
        };
        world.add(Parent::Rinit, true, None);
        world
    }

    fn add(&mut self, parent: Parent, in_group: bool, session: Option<Pid>) -> &mut Process {
        // Pids are used again as soon as can be. The kernel goes through all the others first
        // (pid_namespaces(7)), which takes longer than a tick.
        let now = self.now.tick();
        let is_free = |(_, since): &(Pid, Time)| since.tick() < now;
        let pid = match self.free_pids.iter().position(is_free) {
            Some(place) => self.free_pids.swap_remove(place).0,
            None => {
                self.next_pid += 1;
                Pid::from_raw(self.next_pid - 1)
            }
        };
        self.processes.push(Process {
            pid,
            parent,
            in_group,
            session: session.unwrap_or(pid),
            from_outside: parent == Parent::Outside,
            started_at: self.now,
            unreadable: false,
            caught: Signals::default(),
            ignored: Signals::default(),
            is_filter: false,
            reads_from: None,
            waits_for_stop: false,
            detached: false,
            reached: Vec::new(),
            asked: false,
            termed: false,
            killed: false,
        });
        self.processes.last_mut().unwrap()
    }

    pub fn fork(&mut self, birth: &Birth) {
        let Some(parent) = birth.parent.checked_rem(self.processes.len()) else {
            return;
        };
        let parent = self.processes[parent].clone();
        let in_group = parent.in_group && !birth.leaves_group;
        let reads_from = birth.reads_from.filter(|_| in_group);
        let reads_from =
            reads_from.map(|place| self.processes[place % self.processes.len()].clone());
        let session = (!birth.leaves_group).then_some(parent.session);
        let child = self.add(Parent::Process(parent.pid), in_group, session);
        child.from_outside = parent.from_outside;
        child.reads_from = reads_from
            .filter(|writer| writer.in_group)
            .map(|writer| writer.pid);
        child.is_filter = child.reads_from.is_some();
        child.unreadable = birth.unreadable;
        child.caught = birth.caught;
        child.ignored = Signals(birth.ignored.0 & !birth.caught.0);
    }

    pub fn enter(&mut self) {
        self.add(Parent::Outside, false, None);
    }

    /// Takes the process away; its children become rinit's.
    pub fn bury(&mut self, pid: Pid, ending: Ending) -> Process {
        let is_it = |process: &Process| process.pid == pid;
        let place = self.processes.iter().position(is_it).unwrap();
        let dead = self.processes.remove(place);
        if dead.reads_from.is_some() {
            self.flowed_at = self.now;
        }
        for process in &mut self.processes {
            if process.parent == Parent::Process(pid) {
                process.parent = Parent::Rinit;
                if process.is_filter {
                    self.flowed_at = self.now;
                }
            }
            if process.reads_from == Some(pid) {
                process.reads_from = None;
                self.flowed_at = self.now;
            }
        }
        if dead.parent == Parent::Process(COMMAND) && ending != Ending::Exited(0) {
            self.unreaped.push((dead.clone(), ending));
            return dead;
        }
        let is_session = self.processes.iter().any(|process| process.session == pid);
        if !dead.from_outside && !is_session && dead.session != pid {
            self.free_pids.push((pid, self.now));
        }
        dead
    }

    pub fn find(&mut self, pid: Pid) -> &mut Process {
        let mut processes = self.processes.iter_mut();
        let found = processes.find(|process| process.pid == pid);
        found.expect("only the living are signalled")
    }

    pub fn children(&self) -> impl Iterator<Item = &Process> {
        let is_child = |process: &&Process| process.parent == Parent::Rinit;
        self.processes.iter().filter(is_child)
    }

    pub fn group_left(&self) -> bool {
        self.children().any(|process| process.in_group)
    }

    pub fn has_filter(&self) -> bool {
        let mut processes = self.processes.iter();
        processes.any(|process| process.reads_from.is_some())
    }

    pub fn scan(&self, details_of: impl Fn(&Process) -> Details) -> Scan {
        match self.proc {
            Proc::Absent => return Scan::NoProc,
            Proc::Failing => return Scan::Failed,
            Proc::There => {}
        }
        let found = |process: &Process| {
            let details = details_of(process);
            let shown = details.start_info && !process.unreadable;
            Child {
                pid: process.pid,
                in_group: process.in_group,
                start_info: shown.then(|| process.start_info()),
                input: process.input(details.input),
            }
        };
        Scan::Found(self.children().map(found).collect())
    }
}

impl Process {
    fn start_info(&self) -> StartInfo {
        StartInfo {
            started_at: self.started_at.tick(),
            ignored: self.ignored,
            caught: self.caught,
        }
    }

    fn input(&self, is_wanted: bool) -> Input {
        match (is_wanted && self.is_filter, self.reads_from) {
            (false, _) => Input::Other,
            (true, Some(_)) => Input::Flowing,
            (true, None) => Input::Ended,
        }
    }

    pub fn zombie(&self) -> Zombie {
        Zombie {
            started_at: self.started_at.tick(),
            session: self.session,
        }
    }
}
