//! Every sentence that a user can read, by kind, and which of them are logged.

mod cure;
mod death;
mod escaped;
mod failure;
mod help;
mod holdup;
mod part;
mod usage;

use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::ending::Ending;
use crate::explain::holdup::Holdups;
use crate::explain::{Death, Failure};
use crate::fixed_string::FixedString;
use crate::options::{Level, VariableWarning};
use crate::pid1_init::Init;
use crate::process::Name;
use crate::signal::Signal;
use crate::sys::{stderr, termination_log};
use escaped::Escaped;
#[cfg(test)]
pub use help::AFTER_BRIEF_HELP;
pub use help::{ABOUT, AFTER_HELP, LICENSE, brief_help, full_help, version};
use holdup::Named;
use part::{How, INDENT, Process, Quoted};
pub use usage::{UsageError, allowed};

/// What a pipe takes in one piece is 4096 bytes (pipe(7)); half of it is enough.
const LONGEST_LINE: usize = 2048;

/// Logs a message to standard error if `level` lets it through. Never blocks,
/// and takes no memory from the heap: a message may get lost, rinit may not.
pub fn log(level: Level, message: &Message) {
    if message.level() <= level {
        write(message);
    }
}

/// Not inlined: a clean run is not to touch the memory of the line.
#[inline(never)]
fn write(message: &Message) {
    let line = FixedString::<LONGEST_LINE>::line(format_args!("rinit: {message}"));
    stderr::write(line.as_bytes());
    if message.is_of_failure() {
        termination_log::append(line.as_bytes());
    }
}

pub enum Message<'a> {
    Usage(&'a UsageError),
    OddVariable(&'a VariableWarning),
    CannotPrint(Errno),
    CannotRun(&'a Failure),
    /// COMMAND ran, and ended at once with 127.
    RanInVain(&'a Failure),
    Died(&'a Death<'a>),
    CannotBlock(Errno),
    CannotReadSignals(Errno),
    NoMemory,
    CannotFork {
        command: &'a OsStr,
        why: Errno,
    },
    CannotRestoreMask {
        command: &'a OsStr,
        why: Errno,
    },
    NoSubreaper(Errno),
    NoParentDeathSignal(Errno),
    /// The shell above rinit, which is process 1, by its name.
    OutOfReach(&'a Name),
    MayNotSignal {
        signal: Signal,
        pid: Pid,
    },
    LostCommand {
        command: &'a OsStr,
        pid: Pid,
    },
    Reaped {
        pid: Pid,
        name: &'a Name,
        ending: Ending,
        /// Asked for by `--warn-on-reap`.
        warn: bool,
    },
    /// COMMAND, and what else is there, some time after a stop request.
    StillRunning(&'a Holdups),
    Awaited(&'a Holdups),
    Killed(&'a Holdups),
    MakingRoom {
        command: &'a OsStr,
        init: Init,
    },
    Started {
        pid: Pid,
        command: &'a OsStr,
    },
    Ended {
        command: &'a OsStr,
        pid: Pid,
        ending: Ending,
    },
    Draining,
    Exiting(u8),
    Pausing,
    Arrived {
        signal: Signal,
        fate: Fate,
        sender: Sender<'a>,
    },
}

/// What becomes of a signal that has arrived.
pub enum Fate {
    /// That one was sent on, which may be another.
    Forwarded(Signal),
    Dropped,
    EndsPause,
}

/// Who sent a signal.
pub enum Sender<'a> {
    Kernel,
    /// A process that this PID namespace does not see.
    Outside,
    Process(Pid, &'a Name),
}

impl Message<'_> {
    /// Whether it may be the reason of the container's end.
    fn is_of_failure(&self) -> bool {
        // rinit's own errors are all that it logs at that level.
        self.level() == Level::Quiet
            || matches!(
                self,
                Self::RanInVain(_)
                    | Self::Died(_)
                    | Self::LostCommand { .. }
                    | Self::StillRunning(_)
                    | Self::Awaited(_)
                    | Self::Killed(_)
            )
    }

    fn level(&self) -> Level {
        match self {
            Self::Usage(_)
            | Self::CannotPrint(_)
            | Self::CannotRun(_)
            | Self::CannotBlock(_)
            | Self::CannotReadSignals(_)
            | Self::NoMemory
            | Self::CannotFork { .. }
            | Self::CannotRestoreMask { .. } => Level::Quiet,
            Self::OddVariable(_)
            | Self::NoSubreaper(_)
            | Self::NoParentDeathSignal(_)
            | Self::OutOfReach(_)
            | Self::MayNotSignal { .. }
            | Self::LostCommand { .. }
            | Self::Reaped { warn: true, .. }
            | Self::RanInVain(_)
            | Self::Died(_)
            | Self::StillRunning(_)
            | Self::Awaited(_)
            | Self::Killed(_) => Level::Normal,
            Self::MakingRoom { .. }
            | Self::Started { .. }
            | Self::Ended { .. }
            | Self::Draining
            | Self::Exiting(_)
            | Self::Pausing => Level::LifeCycle,
            Self::Arrived { .. } => Level::Signals,
            Self::Reaped { warn: false, .. } => Level::Reaping,
        }
    }
}

impl Display for Message<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::Usage(error) => error.fmt(f),
            Self::OddVariable(warning) => warning.fmt(f),
            Self::CannotPrint(why) => {
                write!(f, "cannot write to standard output: {}", why.desc())
            }
            Self::CannotRun(failure) | Self::RanInVain(failure) => failure.fmt(f),
            Self::Died(death) => death.fmt(f),
            Self::CannotBlock(why) => write!(
                f,
                "cannot start the command: the kernel refuses to block signals ({})",
                why.desc()
            ),
            Self::CannotReadSignals(why) => write!(
                f,
                "cannot start the command: the kernel refuses both ways to read signals, rt_sigtimedwait and signalfd ({}); the seccomp profile may be too old",
                why.desc()
            ),
            Self::NoMemory => f.write_str(
                "cannot start the command: rinit itself cannot get memory; raise the limit (ulimit -v, ulimit -d), or shorten the command line",
            ),
            Self::CannotFork { command, why } => {
                write!(f, "cannot start {}: ", Quoted(command))?;
                match why {
                    Errno::EAGAIN => f.write_str(
                        "the limit on processes is reached; raise it (pids.max, ulimit -u)",
                    ),
                    Errno::ENOMEM => f.write_str(
                        "there is not enough memory for another process; give the container more",
                    ),
                    other => write!(f, "the kernel refuses to make a process ({})", other.desc()),
                }
            }
            Self::CannotRestoreMask { command, why } => write!(
                f,
                "cannot start {}: the kernel refuses to restore its signal mask ({})",
                Quoted(command),
                why.desc()
            ),
            Self::NoSubreaper(why) => write!(
                f,
                "cannot adopt orphans: the kernel refuses to make rinit a subreaper ({})",
                why.desc()
            ),
            Self::NoParentDeathSignal(why) => write!(
                f,
                "cannot set the parent-death signal: the kernel refuses it ({})",
                why.desc()
            ),
            Self::OutOfReach(name) => write!(
                f,
                "process 1 (\"{}\") does not handle SIGTERM, so docker stop will reach neither rinit nor the command{INDENT}\
                 write the ENTRYPOINT in brackets: ENTRYPOINT [\"rinit\", \"--\", \"app\"]; in a script: exec rinit -- app",
                Escaped(name.bytes())
            ),
            Self::MayNotSignal { signal, pid } => write!(
                f,
                "cannot send {signal} to pid {pid}: it runs as another user; {} (logged once)",
                cure::PERMISSION_TO_SIGNAL
            ),
            Self::LostCommand { command, pid } => write!(
                f,
                "{} (pid {pid}) is gone and its exit status is lost: something else reaped it",
                Quoted(command)
            ),
            Self::Reaped {
                pid, name, ending, ..
            } => write!(f, "reaped {}: {}", Process(*pid, name), How(*ending)),
            Self::StillRunning(holdups) => {
                write!(f, "still running 5 s after {}: {}", holdups.signal, Named::sentences(holdups))
            }
            Self::Awaited(holdups) => write!(f, "the command has ended; waiting for {}", Named::objects(holdups)),
            Self::Killed(holdups) => write!(f, "time is up: killing with SIGKILL {}", Named::victims(holdups)),
            Self::MakingRoom { command, init } => write!(
                f,
                "making room for {}: {init} insists on being process 1, and takes rinit's place",
                Quoted(command)
            ),
            Self::Started { pid, command } => {
                write!(f, "started {} as pid {pid}", Quoted(command))
            }
            Self::Ended {
                command,
                pid,
                ending,
            } => write!(f, "{} (pid {pid}) {}", Quoted(command), How(*ending)),
            Self::Draining => f.write_str("asking leftovers to finish"),
            Self::Exiting(status) => write!(f, "exiting with status {status}"),
            Self::Pausing => f.write_str("pausing until SIGTERM or SIGINT"),
            Self::Arrived {
                signal,
                fate,
                sender,
            } => {
                write!(f, "{signal} {sender}, ")?;
                match fate {
                    Fate::Forwarded(other) if other != signal => write!(f, "forwarded as {other}"),
                    Fate::Forwarded(_) => f.write_str("forwarded"),
                    Fate::Dropped => f.write_str("dropped"),
                    Fate::EndsPause => f.write_str("which ends the pause"),
                }
            }
        }
    }
}

impl Display for Sender<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::Kernel => f.write_str("from the kernel"),
            Self::Outside => f.write_str("from outside the container"),
            Self::Process(pid, name) => write!(f, "from {}", Process(*pid, name)),
        }
    }
}

impl Display for Init {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Systemd => "systemd",
            Self::OpenRc => "OpenRC",
            Self::Runit => "runit",
            Self::S6Overlay => "s6-overlay",
            Self::Busybox => "busybox' init",
            Self::SysV => "sysvinit",
        })
    }
}
