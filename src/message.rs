//! Every sentence that a user can read, and which of them are said.

mod escaped;
mod part;

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::explain::{Archive, Cause, Death, Failure, Killer, Libc, System};
use crate::outcome::Ending;
use crate::signal::Signal;
use crate::sys::proc::Name;
use crate::sys::stderr;
use crate::text::Text;
use escaped::Escaped;
pub use part::Names;
use part::{Bytes, How, Named, Process, Quoted};

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
    CannotRun(&'a Failure),
    /// COMMAND ran, and ended at once with 127.
    RanInVain(&'a Failure),
    Died(&'a Death<'a>),
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

impl Message<'_> {
    fn level(&self) -> Level {
        match self {
            Self::Usage(_)
            | Self::CannotPrint(_)
            | Self::CannotRun(_)
            | Self::CannotBlock(_)
            | Self::CannotFork(_)
            | Self::CannotRestoreMask(_) => Level::Quiet,
            Self::NoSubreaper(_)
            | Self::NoParentDeathSignal(_)
            | Self::MayNotSignal { .. }
            | Self::LostCommand(_)
            | Self::Reaped { warn: true, .. }
            | Self::RanInVain(_)
            | Self::Died(_)
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
            Self::CannotRun(failure) => {
                write!(f, "cannot run {}: {}", File(&failure.file), What(failure))?;
                add_cure(f, failure)
            }
            Self::RanInVain(failure) => {
                write!(f, "{} did not run: {}", File(&failure.file), What(failure))?;
                add_cure(f, failure)
            }
            Self::Died(death) => death.fmt(f),
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

/// A file by its path.
struct File<'a>(&'a Path);

impl Display for File<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        Quoted(self.0.as_os_str()).fmt(f)
    }
}

/// What is wrong with a file that could not be run.
struct What<'a>(&'a Failure);

impl Display for What<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match &self.0.cause {
            Cause::NotInPath { searched, .. } => {
                write!(
                    f,
                    "it is in no directory of PATH, which is {}",
                    Quoted(searched)
                )
            }
            Cause::Missing { .. } => f.write_str("there is no such file"),
            Cause::MissingDirectory(directory) => {
                write!(f, "there is no directory {}", File(directory))
            }
            Cause::DanglingLink(target) => write!(
                f,
                "it is a symbolic link to {}, which does not exist",
                File(target)
            ),
            Cause::NotADirectory(file) => write!(f, "{} is not a directory", File(file)),
            Cause::InterpreterMissing { interpreter, .. } => write!(
                f,
                "its first line asks for {}, which does not exist",
                File(interpreter)
            ),
            Cause::CarriageReturn { interpreter } => write!(
                f,
                "its lines end as on Windows, so that its first line asks for \"{}\\r\"",
                Escaped(interpreter.as_os_str().as_bytes())
            ),
            Cause::EnvCarriageReturn { name } => write!(
                f,
                "its lines end as on Windows, so that its first line asks env for \"{}\\r\"",
                Escaped(name.as_bytes())
            ),
            Cause::EnvMissing { name } => write!(
                f,
                "its first line asks env for {}, which is in no directory of PATH",
                Quoted(name)
            ),
            Cause::LoaderMissing {
                loader, built_for, ..
            } => {
                write!(
                    f,
                    "it needs the loader {}, which does not exist",
                    File(loader)
                )?;
                match built_for {
                    Some(libc) => write!(f, ": it is built for {libc}"),
                    None => Ok(()),
                }
            }
            Cause::Foreign { built_for, machine } => write!(
                f,
                "it is built for {}, and this machine is {}",
                Named(*built_for),
                Named(*machine)
            ),
            Cause::DamagedElf => f.write_str("it is a program (ELF), but damaged or cut off"),
            Cause::NotLinked => f.write_str("it is an object file or a core dump, not a program"),
            Cause::ByteOrderMark => {
                f.write_str("a byte order mark hides its first line, which begins with #!")
            }
            Cause::OtherSystem(System::Windows) => f.write_str("it is a program for Windows"),
            Cause::OtherSystem(System::MacOs) => f.write_str("it is a program for macOS"),
            Cause::Archive(archive) => write!(f, "it is {archive}, not a program"),
            Cause::Empty => f.write_str("it is empty"),
            Cause::NoShell => {
                f.write_str("it is a text without a #! line, and there is no /bin/sh to run it")
            }
            Cause::UnknownFormat => f.write_str("it is neither a program nor a script"),
            Cause::Unsearchable { directory, user } => write!(
                f,
                "user {} may not enter the directory {}",
                user,
                File(directory)
            ),
            Cause::Directory => f.write_str("it is a directory"),
            Cause::NotRegular => f.write_str("it is a pipe, a socket or a device, not a program"),
            Cause::NoExecuteBit { mode } => {
                write!(f, "nobody may execute it (its mode is {mode:04o})")
            }
            Cause::NotForThisUser { mode, user } => write!(
                f,
                "user {} may not execute it (its mode is {mode:04o})",
                user
            ),
            Cause::NoExec { mount } => {
                write!(f, "the file system at {} is mounted noexec", File(mount))
            }
            Cause::Other(errno) => f.write_str(refusal(*errno)),
        }
    }
}

/// The kernel's reasons that lie in no file.
fn refusal(errno: Errno) -> &'static str {
    match errno {
        Errno::E2BIG => "its arguments and environment together are too long",
        Errno::EACCES => "the kernel denies it, although its mode allows it",
        Errno::ELOOP => "symbolic links or interpreters lead to it in a loop",
        Errno::ENAMETOOLONG => "its name is too long",
        Errno::ENOMEM => "there is not enough memory to start it",
        Errno::EPERM => "the kernel does not permit it",
        Errno::ETXTBSY => "some process has it open for writing",
        Errno::EMFILE | Errno::ENFILE => "too many files are open",
        Errno::EIO => "reading it failed",
        other => other.desc(),
    }
}

/// What to do about it, on a line of its own.
fn add_cure(f: &mut Formatter, failure: &Failure) -> fmt::Result {
    f.write_str("\n       ")?;
    match &failure.cause {
        Cause::NotInPath {
            is_here: true,
            name,
            ..
        } => write!(
            f,
            "there is one in the working directory: to run that, write \"./{}\"",
            Escaped(name.as_bytes())
        ),
        Cause::NotInPath {
            other_case: Some(other),
            ..
        }
        | Cause::Missing {
            other_case: Some(other),
        } => write!(f, "there is {}: check upper and lower case", File(other)),
        Cause::NotInPath { .. } => {
            f.write_str("install it in the image, or give its whole path")
        }
        Cause::Missing { other_case: None } | Cause::MissingDirectory(_) => f.write_str(
            "check the path, the COPY lines of the Dockerfile, and volumes mounted over it",
        ),
        Cause::DanglingLink(_) => {
            f.write_str("put what the link points to into the image too, or correct the link")
        }
        Cause::NotADirectory(_) => f.write_str("check the path: a file stands where it goes on"),
        Cause::InterpreterMissing {
            interpreter,
            has_shell,
        } => {
            write!(f, "install {} in the image", File(interpreter))?;
            match has_shell {
                true => f.write_str(", or have the script ask for /bin/sh if that will do"),
                false => f.write_str("; there is not even /bin/sh, so no script runs here"),
            }
        }
        Cause::CarriageReturn { .. } | Cause::EnvCarriageReturn { .. } => write!(
            f,
            "convert it with: sed -i 's/\\r$//' {}  (and tell git: *.sh text eol=lf)",
            Escaped(failure.file.as_os_str().as_bytes())
        ),
        Cause::EnvMissing { name } => write!(
            f,
            "install {} in the image, or add its directory to PATH",
            Quoted(name)
        ),
        Cause::LoaderMissing {
            built_for,
            image_has,
            ..
        } => match (built_for, image_has) {
            (Some(Libc::Glibc), Some(Libc::Musl)) => f.write_str(
                "this image has musl, as Alpine's do: build it there, or use an image such as Debian's",
            ),
            (Some(Libc::Musl), Some(Libc::Glibc)) => f.write_str(
                "this image has glibc: build it there, or use an image such as Alpine's",
            ),
            (Some(libc), _) => write!(
                f,
                "link it statically, or use an image that has {libc}, such as {}'s",
                match libc {
                    Libc::Glibc => "Debian",
                    Libc::Musl => "Alpine",
                }
            ),
            (None, _) => f.write_str("link it statically, or use the image it was built in"),
        },
        Cause::Foreign { machine, .. } => match machine.docker {
            Some(docker) => write!(
                f,
                "build or pull the image for this machine: --platform linux/{docker}"
            ),
            None => f.write_str("build it for this machine"),
        },
        Cause::DamagedElf => f.write_str("copy or build it again, and compare its size"),
        Cause::NotLinked => f.write_str("link it into a program"),
        Cause::ByteOrderMark => write!(
            f,
            "remove the mark with: sed -i '1s/^\\xEF\\xBB\\xBF//' {}",
            Escaped(failure.file.as_os_str().as_bytes())
        ),
        Cause::OtherSystem(_) => f.write_str("build it for Linux (in Go: GOOS=linux)"),
        Cause::Archive(Archive::Zip) => {
            f.write_str("unpack it in the image; a .jar is run by: java -jar FILE")
        }
        Cause::Archive(_) => f.write_str("unpack it in the image, and run what is in it"),
        Cause::Empty => f.write_str("see whether the build, download or copy of it failed"),
        Cause::NoShell => f.write_str("this image runs programs only, no scripts"),
        Cause::UnknownFormat => {
            f.write_str("a script begins with #! and the path of its interpreter")
        }
        Cause::Unsearchable { directory, .. } => write!(
            f,
            "in the Dockerfile: RUN chmod a+x {}; or run as another user",
            Escaped(directory.as_os_str().as_bytes())
        ),
        Cause::Directory => f.write_str("name the program inside it"),
        Cause::NotRegular => f.write_str("check the path"),
        Cause::NoExecuteBit { .. } | Cause::NotForThisUser { .. } => write!(
            f,
            "chmod a+x {}  (in the Dockerfile: COPY --chmod=755)",
            Escaped(failure.file.as_os_str().as_bytes())
        ),
        Cause::NoExec { .. } => {
            f.write_str("put the program elsewhere, or mount that without noexec")
        }
        Cause::Other(errno) => f.write_str(advice(*errno)),
    }
}

/// What to do about the kernel's reasons that lie in no file.
fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::E2BIG => {
            "a word may have 128 KiB, and all of them a quarter of the stack (ulimit -s)"
        }
        Errno::EACCES => {
            "a security module of the host may forbid it (SELinux, AppArmor): see its log"
        }
        Errno::ELOOP => "see where they lead: ls -l",
        Errno::ENAMETOOLONG => "a name may have 255 bytes, a whole path 4095",
        Errno::ENOMEM => "give the container more memory",
        Errno::EPERM => {
            "the host's seccomp profile or a security module may forbid it: see its log"
        }
        Errno::ETXTBSY => "start it when it is written and closed",
        Errno::EMFILE | Errno::ENFILE => "raise the limit of open files (ulimit -n)",
        Errno::EIO => "check the disk",
        _ => "execve(2) lists what the kernel may mean",
    }
}

impl Display for Libc {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        })
    }
}

impl Display for Archive {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "a gzip archive",
            Self::Bzip2 => "a bzip2 archive",
            Self::Xz => "an xz archive",
            Self::Zstd => "a zstd archive",
            Self::Tar => "a tar archive",
            Self::Zip => "a zip archive",
            Self::Ar => "a library (ar)",
        })
    }
}

impl Display for Death<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let (command, pid, status) = (Quoted(self.command), self.pid, self.ending.status());
        match self.ending {
            Ending::Killed { by, core_dumped } => {
                write!(f, "{command} (pid {pid}) was killed by {by}: ")?;
                match by {
                    Signal::KILL => self.killer.fmt(f)?,
                    other => f.write_str(meaning(other))?,
                }
                if core_dumped {
                    f.write_str("; it dumped core")?;
                }
            }
            Ending::Exited(_) => {
                write!(
                    f,
                    "{command} (pid {pid}) says that a process of its own was killed: "
                )?;
                self.killer.fmt(f)?;
            }
        }
        write!(f, "; status {status}")
    }
}

impl Display for Killer {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::OutOfMemory { limit } => {
                f.write_str("the kernel's out-of-memory killer has struck in this container")?;
                match limit {
                    Some(limit) => write!(f, ", whose limit is {}", Bytes(*limit)),
                    None => f.write_str(", which has no limit that can be seen: the host was short"),
                }
            }
            Self::Somebody => f.write_str(
                "not for want of memory; somebody sent it: kill -9, or a stop that took too long",
            ),
            Self::Unknown => f.write_str(
                "for want of memory, or because somebody sent it (kill -9, a stop that took too long)",
            ),
        }
    }
}

/// What a signal commonly means that kills a program (signal(7)).
fn meaning(signal: Signal) -> &'static str {
    match signal.raw() {
        libc::SIGABRT => "it gave up by itself (abort); its own last lines should say why",
        libc::SIGALRM | libc::SIGVTALRM | libc::SIGPROF => {
            "a timer of its own that it did not handle"
        }
        libc::SIGBUS => {
            "it used memory behind which there is nothing: a file cut off, or /dev/shm full (--shm-size)"
        }
        libc::SIGFPE => "an arithmetic error, such as a division by zero",
        libc::SIGHUP => "its terminal went away",
        libc::SIGILL => "this processor does not know an instruction of it",
        libc::SIGPIPE => "it wrote to a pipe or connection that nobody reads",
        libc::SIGSEGV => "it used memory that is not its own, a mistake in the program",
        libc::SIGSYS => "it made a system call that is forbidden here (seccomp)",
        libc::SIGTRAP => "a check of its own failed, or a breakpoint was reached",
        libc::SIGXCPU => "it used up its processor time (ulimit -t)",
        libc::SIGXFSZ => "it wrote a file larger than allowed (ulimit -f)",
        _ => "a process in the container sent it, or the program itself",
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
