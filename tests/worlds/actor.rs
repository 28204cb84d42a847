//! A process of a world: does what it is drawn to do, and writes down what it receives.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::common::signal;
use crate::record::{Fact, Shared, Time, now, wait_for_bell};
use crate::world::{Actor, Born, Disposition, Life, Parent, Place, Reaction, SIGNALS};

/// Where each process of a world has these descriptors: beyond those of all worlds at a time.
pub const RECORD: i32 = 1000;
pub const DIRECTOR: i32 = 1001;
pub const PIPE: [i32; 2] = [1002, 1003];

static SHARED: OnceLock<Shared> = OnceLock::new();
static ME: AtomicUsize = AtomicUsize::new(0);
/// Received and not yet seen to, a bit for each of SIGNALS.
static RECEIVED: AtomicU32 = AtomicU32::new(0);

/// The program that was executed as an actor.
pub fn run(number: usize) -> ! {
    signal::block(u64::MAX).expect("signals can be blocked");
    let _ = SHARED.set(Shared::map(RECORD));
    live(number)
}

fn shared() -> &'static Shared {
    SHARED.get().expect("a record")
}

fn note(fact: Fact) {
    shared().write(Some(ME.load(Ordering::Relaxed)), fact);
}

/// Of a process that has just been made, with every signal blocked.
fn live(number: usize) -> ! {
    ME.store(number, Ordering::Relaxed);
    RECEIVED.store(0, Ordering::Relaxed);
    INPUT_ENDED.store(0, Ordering::Relaxed);
    let actor = shared().world.actors[number];
    // SAFETY: system calls on this process alone.
    unsafe {
        match actor.place {
            Place::OwnGroup => _ = libc::setpgid(0, 0),
            Place::OwnSession => _ = libc::setsid(),
            Place::ParentsGroup | Place::Daemon | Place::Nested => {}
        }
    }
    arrange_descriptors(number, &actor);
    register(number);
    for signal in SIGNALS {
        dispose(signal, actor.on(signal));
    }
    dispose(libc::SIGPIPE, Disposition::Ignore);
    let mut life = Liver::new(number, actor);
    life.spawn(Born::First);
    life.let_go_of_pipe();
    if actor.is_filter() {
        thread::spawn(read_input);
    }
    let waits = |signal: &i32| matches!(actor.on(*signal), Disposition::Wait(_));
    let waited = signal::set(SIGNALS.into_iter().filter(waits));
    if waited != 0 {
        thread::spawn(move || {
            loop {
                let info = signal::wait(waited);
                receive(info.si_signo, &info);
            }
        });
    }
    let blocks = |signal: &i32| actor.on(*signal) == Disposition::Block;
    let blocked = waited | signal::set(SIGNALS.into_iter().filter(blocks));
    if !actor.leader_gone {
        life.go(blocked);
    }
    thread::spawn(move || life.go(blocked));
    loop {
        // SAFETY: ends the calling thread alone, which holds nothing.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
}

/// The writer's standard output and the reader's standard input are the pipe, nobody else's are.
fn arrange_descriptors(number: usize, actor: &Actor) {
    // SAFETY: these descriptors are nobody's in particular.
    unsafe {
        if actor.is_filter() {
            libc::dup2(PIPE[0], 0);
        } else if !shared().world.terminal {
            let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            libc::dup2(null, 0);
            libc::close(null);
        }
        let output = if actor.writes_to.is_some() {
            PIPE[1]
        } else {
            2
        };
        if number > 0 || actor.writes_to.is_some() {
            libc::dup2(output, 1);
        }
    }
}

/// Has the director watch this process before anything can happen to it.
fn register(number: usize) {
    // SAFETY: no memory but the byte is read.
    unsafe {
        note(Fact::Born {
            pid: libc::getpid(),
        });
        let byte = number as u8;
        libc::send(DIRECTOR, (&raw const byte).cast(), 1, 0);
    }
    let shared = shared();
    loop {
        let heard = shared.bells[number].load(Ordering::SeqCst);
        if shared.watched[number].load(Ordering::SeqCst) != 0 {
            return;
        }
        wait_for_bell(&shared.bells[number], heard, None);
    }
}

fn dispose(signal: i32, disposition: Disposition) {
    // SAFETY: the handler keeps to atomics and system calls.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        match disposition {
            Disposition::Ignore => action.sa_sigaction = libc::SIG_IGN,
            Disposition::Handle(_) => {
                let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = handle;
                action.sa_sigaction = handler as usize;
                action.sa_flags = libc::SA_SIGINFO;
            }
            Disposition::Default | Disposition::Block | Disposition::Wait(_) => {}
        }
        libc::sigaction(signal, &raw const action, ptr::null_mut());
    }
}

extern "C" fn handle(number: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel gives the information of that signal.
    receive(number, unsafe { &*info });
}

fn receive(number: i32, info: &libc::siginfo_t) {
    note(Fact::Received {
        signal: number,
        code: info.si_code,
        // SAFETY: who sent it, where somebody did.
        from: unsafe { info.si_pid() },
    });
    if let Some(place) = SIGNALS.iter().position(|signal| *signal == number) {
        RECEIVED.fetch_or(1 << place, Ordering::SeqCst);
    }
    shared().ring(ME.load(Ordering::Relaxed));
}

/// Reads to the end, as a filter does.
fn read_input() {
    let mut buffer = [0_u8; 256];
    // SAFETY: the kernel writes into the buffer.
    while unsafe { libc::read(0, buffer.as_mut_ptr().cast(), buffer.len()) } > 0 {}
    note(Fact::InputEnded);
    INPUT_ENDED.store(1, Ordering::SeqCst);
    shared().ring(ME.load(Ordering::Relaxed));
}

static INPUT_ENDED: AtomicU32 = AtomicU32::new(0);

/// What it is about to do.
struct Plan {
    at: Time,
    raise: Option<i32>,
}

struct Liver {
    number: usize,
    actor: Actor,
    children: Vec<i32>,
    late_children_made: bool,
    plan: Option<Plan>,
    awaits_children: bool,
}

impl Liver {
    fn new(number: usize, actor: Actor) -> Liver {
        Liver {
            number,
            actor,
            children: Vec::new(),
            late_children_made: false,
            plan: None,
            awaits_children: actor.life == Life::Children,
        }
    }

    fn go(mut self, blocked: u64) -> ! {
        let shared = shared();
        if let Life::Ms(ms) = self.actor.life {
            self.plan(ms, None);
        }
        note(Fact::Ready);
        signal::block(blocked).expect("signals can be unblocked");
        if self.actor.life == Life::Stopped && shared.curfew.load(Ordering::SeqCst) == 0 {
            // SAFETY: stops this process.
            unsafe { libc::kill(libc::getpid(), libc::SIGSTOP) };
        }
        let bell = &shared.bells[self.number];
        loop {
            let heard = bell.load(Ordering::SeqCst);
            let received = RECEIVED.swap(0, Ordering::SeqCst);
            for (place, signal) in SIGNALS.into_iter().enumerate() {
                if received & 1 << place != 0 {
                    self.react(signal, blocked);
                }
            }
            if shared.curfew.load(Ordering::SeqCst) != 0
                || self.actor.is_filter() && INPUT_ENDED.load(Ordering::SeqCst) != 0
            {
                self.exit();
            }
            if self.awaits_children {
                // SAFETY: asks for these children alone.
                let lives = |child: &i32| unsafe {
                    libc::waitpid(*child, ptr::null_mut(), libc::WNOHANG) == 0
                };
                self.children.retain(lives);
                if self.children.is_empty() {
                    self.exit();
                }
            }
            let mut limit = None;
            if let Some(plan) = &self.plan {
                let left = plan.at.saturating_sub(now());
                if left.is_zero() {
                    self.carry_out();
                }
                limit = Some(left);
            }
            wait_for_bell(bell, heard, limit);
        }
    }

    fn plan(&mut self, after_ms: u32, raise: Option<i32>) {
        let at = now() + Duration::from_millis(after_ms.into());
        if self.plan.as_ref().is_none_or(|plan| at < plan.at) {
            self.plan = Some(Plan { at, raise });
        }
    }

    fn carry_out(&mut self) {
        if let Some(signal) = self.plan.take().and_then(|plan| plan.raise) {
            note(Fact::Raises { signal });
            dispose(signal, Disposition::Default);
            let _ = signal::block(0);
            // SAFETY: a signal for this process.
            unsafe { libc::kill(libc::getpid(), signal) };
        }
        // Not every signal kills.
        self.exit();
    }

    fn react(&mut self, signal: i32, blocked: u64) {
        let (Disposition::Handle(reaction) | Disposition::Wait(reaction)) = self.actor.on(signal)
        else {
            return;
        };
        if !self.late_children_made {
            self.late_children_made = true;
            signal::block(u64::MAX).expect("signals can be blocked");
            self.spawn(Born::InCleanUp);
            signal::block(blocked).expect("signals can be unblocked");
        }
        match reaction {
            Reaction::GoOn => {}
            Reaction::Exit { after_ms } => self.plan(after_ms, None),
            Reaction::Raise { after_ms } => self.plan(after_ms, Some(signal)),
            Reaction::PassOn => {
                note(Fact::PassesOn { signal });
                for child in &self.children {
                    // SAFETY: a signal for its own child, which it has not reaped.
                    unsafe { libc::kill(*child, signal) };
                }
                self.awaits_children = true;
            }
        }
    }

    fn spawn(&mut self, born: Born) {
        for child in shared().world.children(self.number) {
            let Actor {
                born: when, place, ..
            } = shared().world.actors[child];
            if when != born {
                continue;
            }
            // SAFETY: the child goes on with what a forked process may do; no thread of its parent
            // holds a lock for longer than a moment.
            let pid = unsafe {
                match place {
                    Place::Daemon => match libc::fork() {
                        0 => {
                            libc::setsid();
                            match libc::fork() {
                                0 => become_actor(child),
                                _ => libc::_exit(0),
                            }
                        }
                        between => {
                            libc::waitpid(between, ptr::null_mut(), 0);
                            note(Fact::Detached(child));
                            continue;
                        }
                    },
                    Place::Nested => {
                        let flags = libc::CLONE_NEWPID | libc::SIGCHLD;
                        match libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) as i32 {
                            0 => become_actor(child),
                            pid => pid,
                        }
                    }
                    _ => match libc::fork() {
                        0 => become_actor(child),
                        pid => pid,
                    },
                }
            };
            if pid > 0 {
                self.children.push(pid);
            }
        }
    }

    /// Unless somebody is still to be born who needs it.
    fn let_go_of_pipe(&self) {
        let world = &shared().world;
        let is_late = |actor: usize| -> bool {
            let mut next = Some(actor);
            while let Some(actor) = next {
                if world.actors[actor].born == Born::InCleanUp {
                    return true;
                }
                next = match world.actors[actor].parent {
                    Parent::Actor(parent) if parent != self.number => Some(parent),
                    _ => None,
                };
            }
            false
        };
        let needs = |actor: usize| {
            let Actor {
                writes_to, life, ..
            } = world.actors[actor];
            (writes_to.is_some() || life == Life::Input) && is_late(actor)
        };
        if !(0..world.actors.len()).any(needs) {
            for end in PIPE {
                // SAFETY: the copies on 0 and 1 stay.
                unsafe { libc::close(end) };
            }
        }
    }

    fn exit(&self) -> ! {
        if self.actor.writes_to.is_some() {
            // SAFETY: its last words.
            unsafe { libc::write(1, c"bye".as_ptr().cast(), 3) };
        }
        note(Fact::Exits {
            status: self.actor.status,
        });
        // SAFETY: the end.
        unsafe { libc::_exit(self.actor.status) }
    }
}

fn become_actor(number: usize) -> ! {
    if shared().world.actors[number].exec {
        let words = [
            program(),
            c"actor".to_owned(),
            CString::new(number.to_string()).expect("digits"),
        ];
        let _ = nix::unistd::execv(&words[0], &words);
    }
    live(number)
}

fn program() -> CString {
    let name = std::env::args_os().next().expect("a name");
    CString::new(name.into_vec()).expect("no NUL")
}
