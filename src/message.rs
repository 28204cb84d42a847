//! Every sentence that a user can read, and which of them are said.

mod escaped;

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::outcome::Ending;
use crate::signal::Signal;
use crate::sys::proc::Name;
use crate::sys::stderr;
use crate::text::Text;
use escaped::Escaped;

/// How much rinit says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub enum Level {
    /// Nothing but rinit's own errors.
    Quiet,
    /// What is abnormal.
    #[default]
    Normal,
    LifeCycle,
    Signals,
    Reaping,
}

impl Level {
    /// The level of so many `-v`.
    pub fn verbose(times: u8) -> Self {
        match times {
            0 => Self::Normal,
            1 => Self::LifeCycle,
            2 => Self::Signals,
            _ => Self::Reaping,
        }
    }
}

/// What a pipe takes in one piece is 4096 bytes (pipe(7)); half of it says enough.
const LONGEST_LINE: usize = 2048;

/// Says a message on standard error if `level` lets it through. Never blocks,
/// and takes no memory from the heap: a message may get lost, rinit may not.
pub fn say(level: Level, message: &Message) {
    if message.level() <= level {
        let line = Text::<LONGEST_LINE>::line(format_args!("rinit: {message}"));
        stderr::write(line.as_bytes());
    }
}

pub enum Message<'a> {
    Usage(&'a UsageError),
    CannotPrint(Errno),
    CannotStart {
        command: &'a OsStr,
        why: Errno,
    },
    NotInPath(&'a OsStr),
    CannotBlock(Errno),
    CannotFork(Errno),
    CannotRestoreMask(Errno),
    NoSubreaper(Errno),
    NoParentDeathSignal(Errno),
    MayNotSignal {
        signal: Signal,
        pid: Pid,
    },
    LostCommand(Pid),
    Reaped {
        pid: Pid,
        name: &'a Name,
        ending: Ending,
        /// Asked for by `--warn-on-reap`.
        warn: bool,
    },
    Awaited(&'a Names<'a>),
    Killed(&'a Names<'a>),
    Started {
        pid: Pid,
        command: &'a OsStr,
    },
    Ended {
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

/// Some processes by name, and how many more there are.
#[derive(Default)]
pub struct Names<'a> {
    pub named: &'a [(Pid, Name)],
    pub others: usize,
}

impl Message<'_> {
    fn level(&self) -> Level {
        match self {
            Self::Usage(_)
            | Self::CannotPrint(_)
            | Self::CannotStart { .. }
            | Self::NotInPath(_)
            | Self::CannotBlock(_)
            | Self::CannotFork(_)
            | Self::CannotRestoreMask(_) => Level::Quiet,
            Self::NoSubreaper(_)
            | Self::NoParentDeathSignal(_)
            | Self::MayNotSignal { .. }
            | Self::LostCommand(_)
            | Self::Reaped { warn: true, .. }
            | Self::Awaited(_)
            | Self::Killed(_) => Level::Normal,
            Self::Started { .. }
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
            Self::CannotPrint(why) => {
                write!(f, "cannot write to standard output: {}", why.desc())
            }
            Self::CannotStart { command, why } => {
                write!(f, "cannot run {}: {}", Quoted(command), why.desc())
            }
            Self::NotInPath(command) => {
                write!(
                    f,
                    "cannot run {}: it is in no directory of PATH",
                    Quoted(command)
                )
            }
            Self::CannotBlock(why) => {
                write!(f, "the kernel refuses to block signals: {}", why.desc())
            }
            Self::CannotRestoreMask(why) => write!(
                f,
                "the kernel refuses COMMAND its signal mask: {}",
                why.desc()
            ),
            Self::CannotFork(why) => write!(
                f,
                "cannot make a process for COMMAND: {}; check the limits of processes (pids.max, ulimit -u) and of memory",
                why.desc()
            ),
            Self::NoSubreaper(why) => write!(
                f,
                "orphans will go to another process than rinit: the kernel refuses to make it a subreaper: {}",
                why.desc()
            ),
            Self::NoParentDeathSignal(why) => write!(
                f,
                "--parent-death-signal has no effect: the kernel refuses it: {}",
                why.desc()
            ),
            Self::MayNotSignal { signal, pid } => write!(
                f,
                "may not send {signal} to process {pid}, which runs as another user: run rinit as root, with the capability KILL, or as that user (said once)"
            ),
            Self::LostCommand(pid) => write!(
                f,
                "COMMAND (pid {pid}) is gone and its exit status is lost: something else has reaped it"
            ),
            Self::Reaped {
                pid, name, ending, ..
            } => write!(f, "reaped {}: {}", Process(*pid, name), How(*ending)),
            Self::Awaited(names) => write!(f, "COMMAND has ended; waiting for {names} to finish"),
            Self::Killed(names) => write!(f, "time is up: killing {names} with SIGKILL"),
            Self::Started { pid, command } => {
                write!(f, "started {} as pid {pid}", Quoted(command))
            }
            Self::Ended { pid, ending } => write!(f, "COMMAND (pid {pid}) {}", How(*ending)),
            Self::Draining => f.write_str("asking what COMMAND left behind to finish"),
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

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let mut separator = "";
        for (pid, name) in self.named {
            write!(f, "{separator}{}", Process(*pid, name))?;
            separator = ", ";
        }
        match (self.named.len(), self.others) {
            (0, 0) => f.write_str("processes that cannot be seen"),
            (0, others) => write!(f, "{others} processes"),
            (_, 0) => Ok(()),
            (_, others) => write!(f, " and {others} more"),
        }
    }
}

/// `pid 12 (sh)`
struct Process<'a>(Pid, &'a Name);

impl Display for Process<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "pid {}", self.0)?;
        match self.1.bytes() {
            [] => Ok(()),
            name => write!(f, " ({})", Escaped(name)),
        }
    }
}

/// How a process ended, as a predicate.
struct How(Ending);

impl Display for How {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.0 {
            Ending::Exited(code) => write!(f, "exited with status {code}"),
            Ending::Killed {
                by,
                core_dumped: false,
            } => write!(f, "was killed by {by}"),
            Ending::Killed {
                by,
                core_dumped: true,
            } => write!(f, "was killed by {by} and dumped core"),
        }
    }
}

/// A word of the user's, in double quotes.
struct Quoted<'a>(&'a OsStr);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0.as_bytes()))
    }
}

/// What is wrong on the command line or in a variable.
#[derive(PartialEq, Eq, Debug)]
pub enum UsageError {
    NoCommand,
    CommandBesidePause {
        word: OsString,
    },
    UnknownOption {
        option: OsString,
    },
    MissingValue {
        option: OsString,
    },
    UnwantedValue {
        option: OsString,
        word: OsString,
    },
    BadValue {
        /// The option or the variable.
        source: OsString,
        word: OsString,
        allowed: &'static str,
    },
}

impl Display for UsageError {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::NoCommand => f.write_str(
                "no COMMAND to run; usage: rinit [OPTIONS] [--] COMMAND [ARG]..., see rinit --help",
            ),
            Self::CommandBesidePause { word } => {
                write!(f, "--pause takes no COMMAND, but got {}", Quoted(word))
            }
            Self::UnknownOption { option } => write!(
                f,
                "unknown option {}; rinit --help lists the options that are allowed",
                Quoted(option)
            ),
            Self::MissingValue { option } => {
                write!(f, "{} needs a value; see rinit --help", Quoted(option))
            }
            Self::UnwantedValue { option, word } => write!(
                f,
                "{} takes no value, but got {}",
                Quoted(option),
                Quoted(word)
            ),
            Self::BadValue {
                source,
                word,
                allowed,
            } => write!(
                f,
                "{}: {} is not allowed; allowed is {allowed}",
                Escaped(source.as_bytes()),
                Quoted(word)
            ),
        }
    }
}

/// What is allowed for a value.
pub mod allowed {
    pub const FLAG: &str = "1, true, yes or on; 0, false, no, off or nothing";
    pub const VERBOSITY: &str = "a number from 0 to 255, such as 1, 2 or 3";
    pub const EXIT_CODE: &str = "a number from 0 to 255";
    pub const SIGNAL: &str =
        "a signal: a name such as TERM or SIGTERM, RTMIN+n, RTMAX-n, or a number from 1 to 64";
    pub const REWRITE: &str = "FROM:TO with two signals, such as TERM:QUIT or 15:3; TO may be 0 to drop FROM, and FROM may not be KILL or STOP";
    pub const DURATION: &str = "a number of seconds such as 8 or 1.5, or 500ms, 8s, 2m, 1m30s";
}

pub const LICENSE: &str = include_str!("../LICENSE");

pub const ABOUT: &str = "The first process of a container: starts COMMAND, forwards signals, reaps
orphans, lets what COMMAND left behind finish, exits with COMMAND's status.";

pub const AFTER_HELP: &str = "\
Each option has a variable: --kill-after is RINIT_KILL_AFTER.
SIGNAL: TERM, SIGTERM, 15, RTMIN+3.  DURATION: 8, 1.5, 500ms, 1m30s.
Exit status: COMMAND's; 128+n killed by signal n; 125 rinit failed;
126 COMMAND cannot be run; 127 COMMAND not found.

Examples:
  ENTRYPOINT [\"/sbin/rinit\", \"--\", \"app\"]
  rinit -r TERM:QUIT -- nginx -g 'daemon off;'";

/// `docker info` runs `docker-init --version` and reads the part after ` - git.`.
pub fn version() -> String {
    concat!(
        "rinit ",
        env!("CARGO_PKG_VERSION"),
        " - git.",
        env!("RINIT_COMMIT"),
        "\n"
    )
    .to_owned()
}
