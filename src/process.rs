//! What is known of a process.

use nix::unistd::Pid;

use crate::signal::{Signal, Signals};

/// A process's name, which it may have chosen itself; empty if not known.
pub struct Name {
    bytes: [u8; Name::LONGEST],
    length: usize,
}

impl Name {
    /// Of an ordinary process it is 15 (PR_SET_NAME, prctl(2)), of a thread of the kernel 63.
    const LONGEST: usize = 64;

    pub fn unknown() -> Self {
        Self {
            bytes: [0; Self::LONGEST],
            length: 0,
        }
    }

    /// `read` fills a buffer in, and returns how many bytes it has filled.
    pub fn filled_by(read: impl FnOnce(&mut [u8]) -> Option<usize>) -> Self {
        let mut name = Self::unknown();
        name.length = read(&mut name.bytes).unwrap_or(0);
        name
    }

    /// Without the line feed that ends it in /proc.
    pub fn bytes(&self) -> &[u8] {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        bytes.strip_suffix(b"\n").unwrap_or(bytes)
    }
}

/// What decides whether, and by what, a process is asked to finish.
#[derive(Clone, Copy, Debug)]
pub struct StartInfo {
    /// When it started: ticks of 10 ms since boot (proc_pid_stat(5)).
    pub started_at: u64,
    pub ignored: Signals,
    pub caught: Signals,
}

/// Where a process's standard input comes from.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Input {
    /// Not from a pipe that COMMAND's group has filled.
    #[default]
    Other,
    /// From a pipe that another process writes to, or that still holds something.
    Flowing,
    /// From a pipe that nobody writes to any more: it is about to see the end.
    Ended,
}

/// A child of rinit's, as a scan found it.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    pub pid: Pid,
    /// In COMMAND's process group.
    pub in_group: bool,
    /// `None` where nobody asked for it, or it cannot be read: the child then
    /// counts as born after every signal, and as catching none.
    pub start_info: Option<StartInfo>,
    pub input: Input,
}

/// What a scan for children has found.
pub enum Scan {
    Found(Vec<Child>),
    /// It failed this time: memory or descriptors may have run out.
    Failed,
    /// There is no /proc of rinit's own PID namespace.
    NoProc,
}

/// A dead child that is not reaped yet.
#[derive(Clone, Copy, Debug)]
pub struct Zombie {
    /// As in [`StartInfo`].
    pub started_at: u64,
    pub session: Pid,
}

/// What a process is doing.
#[derive(Clone, Copy, Debug)]
pub struct State {
    pub parent: Pid,
    /// `S`, `T`, `D` and so on (proc_pid_stat(5)), of its first thread.
    pub code: u8,
    /// The first counts even where it has ended before the others.
    pub threads: u64,
    /// Of any of its threads' own, that of the first.
    pub pending: Signals,
    pub blocked: Signals,
    pub ignored: Signals,
    pub caught: Signals,
    /// 0: nobody.
    pub tracer: Pid,
    /// Process 1 of a PID namespace below rinit's.
    pub is_nested_init: bool,
}

impl State {
    pub fn is_dead(&self) -> bool {
        matches!(self.code, b'Z' | b'X' | b'x') && self.threads < 2
    }

    /// Whether it leaves that signal to the kernel, which kills it. Where it blocks it, that is
    /// for a moment, as a shell does around a fork, or to take it by sigwait(3).
    pub fn would_die_of(&self, signal: Signal) -> bool {
        let is_set = self.caught.contains(signal) || self.ignored.contains(signal);
        signal.kills_by_default() && !is_set
    }
}
