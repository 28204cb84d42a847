//! Makes a world come true: starts rinit, sends the events, and watches who lives and who dies.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Uid;

use crate::actor;
use crate::common::{Rinit, Role, Running, proc, seccomp, signal, terminal};
use crate::judge::{Verdict, judge};
use crate::record::{Entry, Fact, Record, Shared, Time, now};
use crate::world::{Born, Event, Key, Life, MOST_ACTORS, Options, Parent, To, What, When, World};

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
        polled_at: now(),
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

fn start(world: &World, terminal: Option<&File>, descriptors: [RawFd; 4]) -> Running {
    let role = if world.beside_pid_1 {
        Role::Subreaper
    } else {
        Role::Pid1
    };
    let mut rinit = Rinit::new(role)
        .words(&world.options.words())
        .arg("--")
        .arg(std::env::current_exe().expect("a program"))
        .words("actor 0");
    let another = |file: &File| file.try_clone().expect("a descriptor");
    if let Some(terminal) = terminal {
        rinit = rinit
            .stdin(another(terminal))
            .stdout(another(terminal))
            .before_exec(|| {
                // SAFETY: the request takes a number.
                match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
                    0 => Ok(()),
                    _ => Err(io::Error::last_os_error()),
                }
            });
    }
    rinit = rinit.before_exec(move || hand_over(&descriptors));
    if world.no_pidfd {
        rinit = rinit.before_exec(|| seccomp::refuse(&[libc::SYS_pidfd_open], libc::ENOSYS));
    }
    rinit.start()
}

/// Before exec, by the numbers that actors know.
fn hand_over(descriptors: &[RawFd]) -> io::Result<()> {
    for (descriptor, number) in descriptors.iter().zip(actor::RECORD..) {
        // SAFETY: that number is nobody's.
        nix::errno::Errno::result(unsafe { libc::dup2(*descriptor, number) })?;
    }
    Ok(())
}

impl Options {
    pub fn words(&self) -> String {
        let mut words = String::new();
        let mut add = |word: String| words += &format!("{word} ");
        match self.forward_to {
            To::Group => {}
            To::Command => add("-c".into()),
            To::Auto => add("--forward-to auto".into()),
        }
        if let Some(ms) = self.grace_ms {
            add(format!("-t {ms}ms"));
        }
        if let Some(ms) = self.kill_after_ms {
            add(format!("-k {ms}ms"));
        }
        if self.daemon {
            add("-d".into());
        }
        if self.zero_on_stop {
            add("-z".into());
        }
        if let Some(code) = self.expect_exit {
            add(format!("-e {code}"));
        }
        if let Some((from, to)) = self.rewrite {
            add(format!("-r {from}:{to}"));
        }
        if let Some(signal) = self.stop_signal {
            add(format!("--stop-signal {signal}"));
        }
        words
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
    /// Whoever was not seen dead then lived.
    polled_at: Time,
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
            self.turn(Duration::from_millis(10));
            let entries = self.record.entries();
            if entries.len() != count {
                (count, changed_at) = (entries.len(), now());
            }
            let verdict = judge(&self.world, &entries, now());
            if self.ended || !verdict.broken.is_empty() {
                return verdict;
            }
            let waits = verdict.owed.iter().any(|owed| owed.from <= now() + horizon);
            let rest = if is_dead(&entries, 0) {
                DRAIN_REST
            } else {
                REST
            };
            if !curfew && !waits && now() > changed_at + rest {
                curfew = true;
                self.ring_curfew();
            }
        }
    }

    /// Everybody ends.
    fn ring_curfew(&mut self) {
        self.starve(false);
        self.record.write(None, Fact::Curfew);
        self.record.curfew.store(1, Ordering::SeqCst);
        self.record.ring_all();
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
        }
        self.record.watched[actor].store(1, Ordering::SeqCst);
        self.record.ring(actor);
    }

    fn is_idle(&self) -> bool {
        let pid = self.running.pid;
        proc::state(pid) == Some('S')
            && ["SigPnd", "ShdPnd"].map(|field| proc::signals(pid, field)) == [Some(0), Some(0)]
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

    fn carry_out(&mut self, event: Event) {
        if event.when == When::CommandHasEnded {
            self.wait_until(MOST_WAIT, |it| is_dead(&it.record.entries(), 0));
        }
        let at = now() + Duration::from_millis(event.delay_ms.into());
        self.wait_until(Duration::from_millis(event.delay_ms.into()), |_| {
            now() >= at
        });
        if self.ended {
            return;
        }
        match event.what {
            What::Signal(signal) => {
                self.record.write(None, Fact::Signals { signal });
                let _ = signal::send(self.running.pid, signal);
                self.record.write(None, Fact::Done);
            }
            // nsenter(1) stops with the process that it waits for.
            What::Hit(actor, libc::SIGSTOP) if self.world.entered(actor) => {}
            What::Hit(actor, signal) => {
                if let Some(watched) = &self.watched[actor] {
                    self.record.write(None, Fact::Hits { actor, signal });
                    let _ = send_by(&watched.pidfd, signal);
                }
            }
            What::Enter(actor) => self.enter(actor),
            What::Key(key) => self.press(key),
            What::Starve(on) => self.starve(on),
            What::Quiet => self.watch_quiet(),
        }
        self.idle_wanted = true;
        if event.settle {
            self.wait_until(MOST_WAIT, |it| !it.idle_wanted);
            self.wait_until(Duration::from_secs(60), |it| {
                let verdict = judge(&it.world, &it.record.entries(), now());
                let is_due = verdict.owed.iter().any(|owed| owed.from <= now());
                !verdict.broken.is_empty() || !is_due
            });
        }
    }

    fn enter(&mut self, actor: usize) {
        let mut nsenter = Command::new("nsenter");
        nsenter
            .args([
                "--pid",
                "--mount",
                "--target",
                &self.running.pid.to_string(),
            ])
            .args((!Uid::effective().is_root()).then_some("--user"))
            .arg("--preserve-credentials")
            .arg(std::env::current_exe().expect("a program"))
            .args(["actor", &actor.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let descriptors = [self.memory.as_raw_fd(), self.theirs.as_raw_fd()];
        // SAFETY: system calls only.
        unsafe { nsenter.pre_exec(move || hand_over(&descriptors)) };
        self.record.write(None, Fact::Enters(actor));
        if let Ok(child) = nsenter.spawn() {
            self.entered.push(child);
            self.wait_until(Duration::from_secs(2), |it| {
                let is_ready = |entry: &Entry| entry.by == Some(actor) && entry.fact == Fact::Ready;
                it.record.entries().iter().any(is_ready)
            });
        }
    }

    fn press(&mut self, key: Key) {
        let Some(master) = &mut self.master else {
            return;
        };
        let signal = key.signal();
        self.record.write(None, Fact::Presses { signal });
        let byte = match key {
            Key::CtrlC => terminal::CTRL_C,
            Key::CtrlZ => terminal::CTRL_Z,
            Key::CtrlBackslash => "\x1c",
        };
        let _ = master.write_all(byte.as_bytes());
        // Nobody could continue COMMAND but rinit; or the director, who does not.
        if let (Key::CtrlZ, Some(command)) = (key, &self.watched[0]) {
            let pid = command.pid;
            let others_stop = self
                .world
                .events
                .iter()
                .any(|event| matches!(event.what, What::Hit(_, libc::SIGSTOP)));
            if !others_stop && self.world.actors[0].life != Life::Stopped {
                let is_stopped = |_: &Self| !proc::is_stopped(pid);
                self.wait_until(Duration::from_millis(20), |_| false);
                self.wait_until(Duration::from_secs(5), is_stopped);
                if !self.ended && proc::is_stopped(pid) {
                    self.record.write(None, Fact::StaysStopped(0));
                }
            }
        }
    }

    fn starve(&self, on: bool) {
        let limit = libc::rlimit {
            rlim_cur: if on { 3 } else { 1024 },
            rlim_max: 1024,
        };
        self.record.write(None, Fact::Starves(on));
        // SAFETY: the kernel reads the limit.
        unsafe {
            libc::prlimit(
                self.running.pid,
                libc::RLIMIT_NOFILE,
                &raw const limit,
                std::ptr::null_mut(),
            )
        };
    }

    fn watch_quiet(&mut self) {
        self.idle_wanted = true;
        self.wait_until(MOST_WAIT, |it| !it.idle_wanted);
        let happened = self.record.entries().len();
        let wakes = |pid| {
            proc::status(pid, "voluntary_ctxt_switches")?
                .parse::<u64>()
                .ok()
        };
        let before = wakes(self.running.pid);
        self.wait_until(Duration::from_millis(60), |_| false);
        let after = wakes(self.running.pid);
        if let (Some(before), Some(after)) = (before, after) {
            if happened == self.record.entries().len() {
                let times = after - before;
                self.record.write(None, Fact::Woken { times });
            }
        }
    }
}

fn is_dead(entries: &[Entry], actor: usize) -> bool {
    let is_death =
        |entry: &Entry| matches!(entry.fact, Fact::Dead { actor: dead, .. } if dead == actor);
    entries.iter().any(is_death)
}

fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: a new descriptor of our own.
    unsafe {
        match libc::syscall(libc::SYS_pidfd_open, pid, 0) {
            descriptor @ 0.. => Ok(OwnedFd::from_raw_fd(descriptor as RawFd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

fn send_by(pidfd: &OwnedFd, signal: i32) -> bool {
    // SAFETY: a system call on numbers.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            signal,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        ) == 0
    }
}

/// The wait status of a process that was reaped, whoever its parent was.
fn exit_status(pidfd: &OwnedFd) -> Option<i32> {
    const PIDFD_GET_INFO: libc::c_ulong = 0xc040_ff0b;
    const PIDFD_INFO_EXIT: u64 = 1 << 3;
    // struct pidfd_info, as it first was: a mask of 64 bits at its beginning, the status at its end.
    let mut info = [0_u32; 16];
    info[0] = PIDFD_INFO_EXIT as u32;
    // SAFETY: the kernel fills in 64 bytes.
    let result = unsafe { libc::ioctl(pidfd.as_raw_fd(), PIDFD_GET_INFO as _, info.as_mut_ptr()) };
    (result == 0 && u64::from(info[0]) & PIDFD_INFO_EXIT != 0).then_some(info[15] as i32)
}

fn pass_credentials(socket: &UnixDatagram) {
    let on: libc::c_int = 1;
    // SAFETY: the kernel reads the number.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PASSCRED,
            (&raw const on).cast(),
            size_of_val(&on) as u32,
        )
    };
}

/// Which actor it is, and its pid here, as the kernel tells.
fn receive(socket: &UnixDatagram) -> Option<(usize, i32)> {
    // SAFETY: the kernel writes into the buffers, which are as long as it is told.
    unsafe {
        let mut byte = 0_u8;
        let mut part = libc::iovec {
            iov_base: (&raw mut byte).cast(),
            iov_len: 1,
        };
        let mut control = [0_u64; 8];
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control) as _;
        if libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) != 1 {
            return None;
        }
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() || (*header).cmsg_type != libc::SCM_CREDENTIALS {
            return None;
        }
        let sender: *const libc::ucred = libc::CMSG_DATA(header).cast();
        Some((byte.into(), (*sender).pid))
    }
}
