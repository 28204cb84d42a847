//! Why COMMAND died.

use std::fmt::{self, Display, Formatter};

use super::escaped::Escaped;
use super::part::{Bytes, How, Quoted};
use crate::ending::Ending;
use crate::explain::{Death, Reason};
use crate::signal::Signal;
use crate::sys::cgroup::Limit;

impl Display for Death<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Self {
            command,
            pid,
            ending,
            reason,
            ..
        } = self;
        write!(f, "{} (pid {pid}", Quoted(command))?;
        if let Some(alias) = self.alias() {
            write!(f, ", {}", Escaped(alias))?;
        }
        write!(f, ") {}", How(*ending))?;
        match ending {
            Ending::Exited(_) => {
                write!(f, ": a process in the container was killed: {reason}")
            }
            Ending::Killed { by, core_dumped } => {
                if !core_dumped && dumps_core(*by) {
                    f.write_str(" (no core dumped)")?;
                }
                write!(f, ": {reason}; status {}", ending.status())
            }
        }
    }
}

/// Whether a signal dumps core unless the limits forbid it (signal(7)).
fn dumps_core(signal: Signal) -> bool {
    [
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGQUIT,
        libc::SIGSEGV,
        libc::SIGSYS,
        libc::SIGTRAP,
        libc::SIGXCPU,
        libc::SIGXFSZ,
    ]
    .contains(&signal.raw())
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::Signal(signal) => f.write_str(meaning(*signal)),
            Self::CutOff(size) => write!(f, "its file is {size}"),
            Self::Forwarded => f.write_str(
                "rinit forwarded it, and the program has no handler for it",
            ),
            Self::AddressSpace { limit } => write!(
                f,
                "the limit on its address space, {}, may be too low for it (ulimit -v), or it accessed memory that is not its own, a bug in the program",
                Bytes(*limit)
            ),
            Self::OutOfMemory { kills, limit } => {
                f.write_str("out of memory, unless another process sent it (kill -9): the out-of-memory killer has struck ")?;
                match kills {
                    1 => f.write_str("once")?,
                    _ => write!(f, "{kills} times")?,
                }
                f.write_str(" since the start ")?;
                match limit {
                    Limit::Own(limit) => write!(f, "(the container's limit is {})", Bytes(*limit)),
                    Limit::Above(limit) => {
                        write!(f, "(a cgroup above has a limit of {})", Bytes(*limit))
                    }
                    Limit::Unseen => f.write_str("(for a cgroup above, or because the host was short)"),
                }
            }
            Self::Killed => f.write_str(
                "not out of memory; another process sent it (kill -9), or its CPU time ran out (ulimit -t)",
            ),
            Self::Unknown => f.write_str(
                "out of memory, or another process sent it (kill -9); the kernel's count does not show which",
            ),
        }
    }
}

/// What a signal commonly means that kills a program (signal(7)).
fn meaning(signal: Signal) -> &'static str {
    match signal.raw() {
        libc::SIGABRT => "it aborted itself; the last lines of its own output should say why",
        libc::SIGALRM | libc::SIGVTALRM | libc::SIGPROF => {
            "a timer of its own expired, and it has no handler for that"
        }
        libc::SIGBUS => {
            "it accessed memory with nothing behind it: a mapped file was truncated, or /dev/shm is full (--shm-size)"
        }
        libc::SIGFPE => "an arithmetic error, such as a division by zero",
        libc::SIGHUP => "its terminal went away, or another process sent it",
        libc::SIGILL => {
            "it used an instruction that this processor does not have: it may be built for a newer one"
        }
        libc::SIGPIPE => "it wrote to a pipe or connection that nobody reads",
        libc::SIGSEGV => "it accessed memory that is not its own, a bug in the program",
        libc::SIGSYS => "it made a system call that is forbidden here (seccomp)",
        libc::SIGTRAP => "a check of its own failed, or a debugger stopped it",
        libc::SIGXCPU => "it used up its CPU time (ulimit -t)",
        libc::SIGXFSZ => "it wrote a file larger than allowed (ulimit -f)",
        _ => "sent by another process (not rinit), or by the program itself",
    }
}
