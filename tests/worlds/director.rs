//! Makes a world come true: starts rinit, sends the events, and watches who lives and who dies.

mod events;
mod freezer;
mod processes;
mod start;

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::process::Child;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::common::{Running, proc, signal, terminal};
use crate::judge::{Verdict, judge};
use crate::machine;
use crate::record::{Entry, Fact, Record, Shared, Time, now};
use crate::world::{Born, MOST_ACTORS, Parent, World};
use freezer::Freezer;
use processes::{exit_status, pass_credentials, pidfd_open, receive, send_by};
use start::start;

/// What came of a world.
pub struct Outcome {
    pub entries: Vec<Entry>,
    pub verdict: Verdict,
    pub said: String,
}

/// So long a world goes on after the last that happened in it,
const REST: Duration = Duration::from_millis(200);
/// and where COMMAND has ended: past the head start of what is left.
const DRAIN_REST: Duration = Duration::from_millis(420);
/// What is due so soon is waited for.
const HORIZON: Duration = Duration::from_millis(600);
const LONG_HORIZON: Duration = Duration::from_secs(30);
/// How long to wait for what may never come.
const MOST_WAIT: Duration = Duration::from_millis(300);

pub fn run(world: &World) -> Outcome {
    let (record, memory) = Record::create(world);
    let (ours, theirs) = UnixDatagram::pair().expect("sockets");
    pass_credentials(&ours);
    let (reader, writer) = nix::unistd::pipe().expect("a pipe");
    let (master, slave) = world.terminal.then(terminal::open).unzip();
    let running = start(
        world,
        slave.as_ref(),
        [
            memory.as_fd(),
            theirs.as_fd(),
            reader.as_fd(),
            writer.as_fd(),
        ]
        .map(|it| it.as_raw_fd()),
    );
    drop((slave, reader, writer));
    let rinit = pidfd_open(running.outside.id() as i32).expect("a process");
    let mut director = Director {
        world: *world,
        record,
        memory,
        ours,
        theirs,
        master,
        running,
        rinit,
        watched: [const { None }; MOST_ACTORS],
        entered: Vec::new(),
        freezers: Vec::new(),
        rinit_is_frozen: false,
        polled_at: now(),
        began: (now(), machine::time()),
        idle_wanted: true,
        ended: false,
    };
    let verdict = director.direct();
    let said = director.running.stderr.text();
    Outcome {
        entries: director.record.entries(),
        verdict,
        said,
    }
}

struct Watched {
    pid: i32,
    pidfd: OwnedFd,
    dead: bool,
    reaped: bool,
}

struct Director {
    world: World,
    record: Shared,
    memory: OwnedFd,
    ours: UnixDatagram,
    theirs: UnixDatagram,
    master: Option<File>,
    running: Running,
    rinit: OwnedFd,
    watched: [Option<Watched>; MOST_ACTORS],
    entered: Vec<Child>,
    freezers: Vec<Freezer>,
    rinit_is_frozen: bool,
    /// Whoever was not seen dead then lived.
    polled_at: Time,
    /// By the clock, and by the machine's own time.
    began: (Time, Duration),
    /// Something has happened that rinit has to see to.
    idle_wanted: bool,
    ended: bool,
}

impl Director {
    fn direct(&mut self) -> Verdict {
        self.wait_until(Duration::from_secs(10), Self::all_ready);
        for event in self.world.events.iter().copied().collect::<Vec<_>>() {
            if self.ended {
                break;
            }
            self.carry_out(event);
        }
        let verdict = self.finish();
        if !self.ended {
            signal::send(self.running.pid, libc::SIGKILL).ok();
        }
        for mut child in self.entered.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
        verdict
    }

    fn finish(&mut self) -> Verdict {
        let mut count = 0;
        let mut changed_at = now();
        let mut curfew = false;
        let horizon = if self.world.patient {
            LONG_HORIZON
        } else {
            HORIZON
        };
        loop {
            self.turn(Duration::from_millis(20));
            let entries = self.record.entries();
            if entries.len() != count {
                (count, changed_at) = (entries.len(), now());
            }
            let verdict = self.judge();
            if self.ended || !verdict.broken.is_empty() {
                return verdict;
            }
            let waits = verdict.owed.iter().any(|owed| owed.from <= now() + horizon);
            let rest = if is_dead(&entries, 0) {
                DRAIN_REST
            } else {
                REST
            };
            if curfew {
                self.continue_all();
            }
            if !curfew && !waits && now() > changed_at + rest {
                curfew = true;
                self.ring_curfew();
            }
        }
    }

    fn judge(&self) -> Verdict {
        let known = if self.ended { now() } else { self.polled_at };
        let entries = self.record.entries();
        let (at, machine) = self.began;
        judge(&self.world, &entries, known, at + machine::time() - machine)
    }

    /// Everybody ends.
    fn ring_curfew(&mut self) {
        self.feed();
        self.record.write(None, Fact::Curfew);
        self.record.curfew.store(1, Ordering::SeqCst);
        self.record.ring_all();
    }

    fn continue_all(&self) {
        for watched in self.watched.iter().flatten() {
            let _ = send_by(&watched.pidfd, libc::SIGCONT);
        }
    }

    /// Waits for something to happen, for so long at most, and notes it.
    fn turn(&mut self, limit: Duration) {
        let polling_at = now();
        let watched = self.watched.iter().enumerate();
        let watched: Vec<(usize, &Watched)> = watched
            .filter_map(|(actor, watched)| Some((actor, watched.as_ref()?)))
            .filter(|(_, watched)| !watched.reaped)
            .collect();
        let mut polled = vec![PollFd::new(self.ours.as_fd(), PollFlags::POLLIN)];
        if !self.ended {
            polled.push(PollFd::new(self.rinit.as_fd(), PollFlags::POLLIN));
        }
        let first = polled.len();
        for (_, watched) in &watched {
            // That it is reaped is told unasked.
            let flags = if watched.dead {
                PollFlags::empty()
            } else {
                PollFlags::POLLIN
            };
            polled.push(PollFd::new(watched.pidfd.as_fd(), flags));
        }
        let limit = PollTimeout::try_from(limit).expect("a short time");
        let _ = poll(&mut polled, limit);
        let events: Vec<PollFlags> = polled
            .iter()
            .map(|polled| polled.revents().unwrap_or(PollFlags::empty()))
            .collect();
        let changes: Vec<(usize, PollFlags)> = watched
            .iter()
            .zip(&events[first..])
            .map(|((actor, _), events)| (*actor, *events))
            .filter(|(_, events)| !events.is_empty())
            .collect();
        for (actor, events) in changes {
            self.changed(actor, events);
        }
        if events[0].contains(PollFlags::POLLIN) {
            self.watch();
        }
        self.polled_at = polling_at;
        if !self.ended {
            // Not before those that died before it are noted.
            if first == 2 && !events[1].is_empty() {
                if let Ok(Some(status)) = self.running.outside.try_wait() {
                    self.ended = true;
                    self.turn(Duration::ZERO);
                    let status = status.code().unwrap_or(-1);
                    self.record.write(None, Fact::RinitEnded { status });
                    return;
                }
            }
            if self.idle_wanted && self.is_idle() {
                self.idle_wanted = false;
                self.record.write(None, Fact::Idle);
            }
        }
    }

    fn changed(&mut self, actor: usize, events: PollFlags) {
        let alive_at = self.polled_at;
        let Some(watched) = &mut self.watched[actor] else {
            return;
        };
        if !watched.dead {
            watched.dead = true;
            self.record.write(None, Fact::Dead { actor, alive_at });
            // Perhaps its parent waits for it.
            self.record.ring_all();
        }
        if events.contains(PollFlags::POLLHUP) {
            watched.reaped = true;
            let status =
                exit_status(&watched.pidfd).expect("Linux 6.15 or later tells how a process ended");
            self.record.write(None, Fact::Reaped { actor, status });
        }
        self.idle_wanted = true;
    }

    /// An actor has come to life.
    fn watch(&mut self) {
        let Some((actor, pid)) = receive(&self.ours) else {
            return;
        };
        if let Ok(pidfd) = pidfd_open(pid) {
            self.watched[actor] = Some(Watched {
                pid,
                pidfd,
                dead: false,
                reaped: false,
            });
        } else {
            // Until it is watched it blocks all that does not kill for sure.
            let alive_at = self.polled_at;
            self.record.write(None, Fact::Dead { actor, alive_at });
            let status = libc::SIGKILL;
            self.record.write(None, Fact::Reaped { actor, status });
        }
        self.record.watched[actor].store(1, Ordering::SeqCst);
        self.record.ring(actor);
    }

    /// While it merely asks for the dead its state is that of a sleeper too; the system call that it
    /// sleeps in is shown of a real one alone.
    fn is_idle(&self) -> bool {
        let pid = self.running.pid;
        let sleeps = || {
            let call = std::fs::read_to_string(format!("/proc/{pid}/syscall"));
            call.is_ok_and(|call| call.starts_with(|first: char| first.is_ascii_digit()))
        };
        !self.rinit_is_frozen
            && proc::state(pid) == Some('S')
            && ["SigPnd", "ShdPnd"].map(|field| proc::signals(pid, field)) == [Some(0), Some(0)]
            && sleeps()
    }

    fn wait_until(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) {
        let end = now() + limit;
        while !self.ended && now() < end && !condition(self) {
            self.turn(Duration::from_millis(5));
        }
    }

    /// Those that are there from the beginning, and can be.
    fn all_ready(&self) -> bool {
        let entries = self.record.entries();
        let is_done = |actor: usize| {
            entries.iter().any(|entry| {
                entry.by == Some(actor) && entry.fact == Fact::Ready
                    || matches!(entry.fact, Fact::Dead { actor: dead, .. } if dead == actor)
            })
        };
        (0..self.world.actors.len()).all(|actor| {
            let mut next = actor;
            loop {
                let described = &self.world.actors[next];
                if described.born == Born::InCleanUp || next != actor && is_dead(&entries, next) {
                    return true;
                }
                next = match described.parent {
                    Parent::Outside => return true,
                    Parent::Rinit => return is_done(actor),
                    Parent::Actor(parent) => parent,
                };
            }
        })
    }
}

fn is_dead(entries: &[Entry], actor: usize) -> bool {
    let is_death =
        |entry: &Entry| matches!(entry.fact, Fact::Dead { actor: dead, .. } if dead == actor);
    entries.iter().any(is_death)
}
