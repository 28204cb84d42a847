//! Every sentence that a user can read, and which of them are said.

mod escaped;
mod part;

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::ending::Ending;
use crate::explain::{Arch, Archive, Cause, Death, Failure, Hint, Libc, Reason, Size, System};
use crate::fixed_string::FixedString;
use crate::options::Level;
use crate::pid1_init::Init;
use crate::process::Name;
use crate::signal::Signal;
use crate::sys::stderr;
use escaped::Escaped;
pub use part::Names;
use part::{Bytes, How, Named, Process, Quoted, Word};

/// What a pipe takes in one piece is 4096 bytes (pipe(7)); half of it says enough.
const LONGEST_LINE: usize = 2048;

/// Says a message on standard error if `level` lets it through. Never blocks,
/// and takes no memory from the heap: a message may get lost, rinit may not.
pub fn say(level: Level, message: &Message) {
    if message.level() <= level {
        write(message);
    }
}

/// Not inlined: a clean run is not to touch the memory of the line.
#[inline(never)]
fn write(message: &Message) {
    let line = FixedString::<LONGEST_LINE>::line(format_args!("rinit: {message}"));
    stderr::write(line.as_bytes());
}

pub enum Message<'a> {
    Usage(&'a UsageError),
    CannotPrint(Errno),
    CannotRun(&'a Failure),
    /// COMMAND ran, and ended at once with 127.
    RanInVain(&'a Failure),
    Died(&'a Death<'a>),
    CannotBlock(Errno),
    NoMemory,
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
    MakingRoom {
        command: &'a OsStr,
        init: Init,
    },
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
            | Self::NoMemory
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
            Self::CannotPrint(why) => {
                write!(f, "cannot write to standard output: {}", why.desc())
            }
            Self::CannotRun(failure) | Self::RanInVain(failure) => failure.fmt(f),
            Self::Died(death) => death.fmt(f),
            Self::CannotBlock(why) => write!(
                f,
                "cannot start COMMAND: the kernel refuses to block signals ({})",
                why.desc()
            ),
            Self::CannotRestoreMask(why) => write!(
                f,
                "cannot start COMMAND: the kernel refuses it its signal mask ({})",
                why.desc()
            ),
            Self::NoMemory => f.write_str(
                "cannot start COMMAND: rinit itself gets no memory; raise the limit (ulimit -v, ulimit -d), or shorten the command line",
            ),
            Self::CannotFork(Errno::EAGAIN) => f.write_str(
                "cannot start COMMAND: the limit of processes is reached; raise it (pids.max, ulimit -u)",
            ),
            Self::CannotFork(Errno::ENOMEM) => f.write_str(
                "cannot start COMMAND: there is not enough memory for a process; give the container more",
            ),
            Self::CannotFork(why) => write!(
                f,
                "cannot start COMMAND: the kernel refuses to make a process ({})",
                why.desc()
            ),
            Self::NoSubreaper(why) => write!(
                f,
                "cannot take orphans in: the kernel refuses to make rinit a subreaper ({})",
                why.desc()
            ),
            Self::NoParentDeathSignal(why) => write!(
                f,
                "cannot ask for a signal at the parent's death: the kernel refuses it ({})",
                why.desc()
            ),
            Self::MayNotSignal { signal, pid } => write!(
                f,
                "cannot send {signal} to pid {pid}: it runs as another user; run rinit as root, as that user, or with the capability KILL (said once)"
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
            Self::MakingRoom { command, init } => write!(
                f,
                "making room for {}: {init} insists on being process 1, and takes rinit's place",
                Quoted(command)
            ),
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

impl Display for Init {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Systemd => "systemd",
            Self::OpenRc => "OpenRC",
            Self::Runit => "runit",
            Self::S6Overlay => "s6-overlay",
        })
    }
}

/// A file by its path.
struct File<'a>(&'a Path);

impl Display for File<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        Quoted(self.0.as_os_str()).fmt(f)
    }
}

/// The first line says what is wrong with which file, the others what to do.
impl Display for Failure {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Self {
            file,
            needed_by,
            cause,
        } = self;
        write!(f, "cannot run {}", File(file))?;
        if let Some(needed_by) = needed_by {
            write!(f, ", which {} needs", File(needed_by))?;
        }
        write!(f, ": {cause}{INDENT}")?;
        add_cure(f, self)
    }
}

/// The beginning of a further line.
const INDENT: &str = "\n       ";

/// What is wrong.
impl Display for Cause {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("its name is empty"),
            Self::NotInPath { .. } => f.write_str("there is no such program in PATH"),
            Self::Missing {
                directory: Some(directory),
                ..
            } => write!(f, "there is no directory {}", File(directory)),
            Self::Missing { .. } => f.write_str("there is no such file"),
            Self::DanglingLink { link, target } => write!(
                f,
                "the symbolic link {} leads to {}, which does not exist",
                File(link),
                File(target)
            ),
            Self::LinkLoop(link) => {
                write!(f, "the symbolic link {} leads back to itself", File(link))
            }
            Self::NotADirectory(file) => write!(f, "{} is not a directory", File(file)),
            Self::InterpreterMissing { interpreter, .. } => write!(
                f,
                "its first line asks for {}, which does not exist",
                File(interpreter)
            ),
            Self::CarriageReturn { interpreter } => write!(
                f,
                "its lines end as on Windows, so its first line asks for \"{}\\r\"",
                Escaped(interpreter.as_os_str().as_bytes())
            ),
            Self::EnvCarriageReturn { name } => write!(
                f,
                "its lines end as on Windows, so its first line asks env for \"{}\\r\"",
                Escaped(name.as_bytes())
            ),
            Self::EnvMissing { name } => write!(
                f,
                "its first line asks env for {}, which is not in PATH",
                Quoted(name)
            ),
            Self::NoInterpreter => f.write_str(
                "its first line begins with #! and names no program within its first 255 bytes",
            ),
            Self::InterpreterLoop => {
                f.write_str("its first line asks for a script, that one for another, and so on")
            }
            Self::LoaderMissing {
                loader,
                built_for,
                arch,
                ..
            } => {
                write!(
                    f,
                    "it needs the loader {}, which does not exist",
                    File(loader)
                )?;
                match (built_for, arch) {
                    (Some(libc), Some(arch)) => {
                        write!(f, ": it is built for {libc} on {}", Named(*arch))
                    }
                    (Some(libc), None) => write!(f, ": it is built for {libc}"),
                    (None, Some(arch)) => write!(f, ": it is built for {}", Named(*arch)),
                    (None, None) => Ok(()),
                }
            }
            Self::Foreign { built_for, machine } => write!(
                f,
                "it is built for {}, and this machine is {}",
                Named(*built_for),
                Named(*machine)
            ),
            Self::DamagedElf => f.write_str("it is a program, but damaged or cut off"),
            Self::CutOff(size) => write!(f, "it is a program, but {size}"),
            Self::NotLinked => f.write_str("it is an object file or a core dump, not a program"),
            Self::ByteOrderMark => {
                f.write_str("a byte order mark hides its first line, which begins with #!")
            }
            Self::Utf16 => f.write_str("it is text in UTF-16, as Windows writes it"),
            Self::OtherSystem(System::Windows) => f.write_str("it is a program for Windows"),
            Self::OtherSystem(System::MacOs) => f.write_str("it is a program for macOS"),
            Self::Archive(archive) => write!(f, "it is {archive}, not a program"),
            Self::Empty => f.write_str("it is empty"),
            Self::Text => f.write_str("it is a text without a #! line"),
            Self::UnknownFormat => f.write_str("it is neither a program nor a script"),
            Self::Unreadable { user } => write!(
                f,
                "it is no program, and if it is a script, user {user} may not read it"
            ),
            Self::Unsearchable { directory, user } => write!(
                f,
                "user {user} may not enter the directory {}",
                File(directory)
            ),
            Self::Directory => f.write_str("it is a directory"),
            Self::NotRegular => f.write_str("it is a pipe, a socket or a device, not a program"),
            Self::NoExecuteBit { mode } => {
                write!(f, "nobody may execute it (its mode is {mode:04o})")
            }
            Self::NotForThisUser { mode, user } => {
                write!(f, "user {user} may not execute it (its mode is {mode:04o})")
            }
            Self::NoExec { mount } => {
                write!(f, "the file system at {} is mounted noexec", File(mount))
            }
            Self::Other(errno) => f.write_str(refusal(*errno)),
        }
    }
}

/// The kernel's reasons that lie in no file.
fn refusal(errno: Errno) -> &'static str {
    match errno {
        Errno::E2BIG => "its arguments and environment together are too long",
        Errno::EACCES => "the kernel denies it, although its mode allows it",
        Errno::EIO => "reading it failed",
        Errno::ENAMETOOLONG => "its name is too long",
        Errno::ENFILE => "too many files are open on this machine",
        Errno::ENOMEM => "there is not enough memory to start it",
        Errno::EPERM => "the kernel does not permit it",
        Errno::ETXTBSY => "a process has it open for writing",
        other => other.desc(),
    }
}

/// What to do about it.
fn add_cure(f: &mut Formatter, failure: &Failure) -> fmt::Result {
    let file = Word(failure.file.as_os_str());
    match &failure.cause {
        Cause::NoName => f.write_str("see whether the variable that should hold it is empty"),
        Cause::NotInPath {
            searched,
            is_set,
            hint,
        } => {
            match hint {
                None => f.write_str("install it in the image, or give its whole path")?,
                Some(hint) => add_hint(f, failure.file.as_os_str(), hint)?,
            }
            let which = match is_set {
                true => "PATH is",
                false => "PATH is not set; the directories searched are",
            };
            write!(f, "{INDENT}{which} {}", Quoted(searched))
        }
        Cause::Missing {
            other_case: Some(other),
            ..
        } => add_other_case(f, other),
        Cause::Missing { .. } => f.write_str(
            "check the path, the COPY lines of the Dockerfile, and volumes mounted over it",
        ),
        Cause::DanglingLink { .. } => {
            f.write_str("put what it leads to into the image too, or correct the link")
        }
        Cause::LinkLoop(link) => write!(
            f,
            "see where it leads, and correct it: ls -l {}",
            Word(link.as_os_str())
        ),
        Cause::NotADirectory(_) => f.write_str("check the path: it goes on behind a file"),
        Cause::InterpreterMissing {
            interpreter,
            has_shell,
        } => match (interpreter.is_absolute(), has_shell) {
            (false, _) => f.write_str("write its whole path there, or: #!/usr/bin/env NAME"),
            (true, true) => write!(
                f,
                "install {} in the image, or write #!/bin/sh there if that will do",
                File(interpreter)
            ),
            (true, false) => f.write_str(
                "this image has no shell: install one, or run a program instead of a script",
            ),
        },
        Cause::CarriageReturn { .. } | Cause::EnvCarriageReturn { .. } => write!(
            f,
            "convert it: sed -i 's/\\r$//' {file}  (and for git, in .gitattributes: *.sh text eol=lf)"
        ),
        Cause::EnvMissing { name } if name.as_bytes().contains(&b' ') => write!(
            f,
            "env takes all of that for one name; write: #!/usr/bin/env -S {}",
            Escaped(name.as_bytes())
        ),
        Cause::EnvMissing { name } => write!(
            f,
            "install {} in the image, or add its directory to PATH",
            Quoted(name)
        ),
        Cause::NoInterpreter => f.write_str("write the path of a program there, such as #!/bin/sh"),
        Cause::InterpreterLoop => {
            f.write_str("write the path of a program there that is no script, such as #!/bin/sh")
        }
        Cause::LoaderMissing {
            loader,
            built_for,
            arch,
            image_has,
        } => add_cure_without_loader(f, loader, *built_for, *arch, *image_has),
        Cause::Foreign { machine, .. } => add_platform(f, *machine),
        Cause::DamagedElf | Cause::CutOff(_) => {
            f.write_str("copy or build it again, and compare its size")
        }
        Cause::NotLinked => f.write_str("link it into a program"),
        Cause::ByteOrderMark => write!(f, "remove the mark: sed -i '1s/^\\xEF\\xBB\\xBF//' {file}"),
        Cause::Utf16 => f.write_str(
            "save it as UTF-8, without a byte order mark and with the line ends of Unix",
        ),
        Cause::OtherSystem(_) => f.write_str("build it for Linux (with Go: GOOS=linux)"),
        Cause::Archive(Archive::Zip) => {
            f.write_str("unpack it in the image; a .jar is run by: java -jar FILE")
        }
        Cause::Archive(_) => f.write_str("unpack it in the image, and run what is in it"),
        Cause::Empty => f.write_str("see whether building, downloading or copying it failed"),
        Cause::Text if failure.needed_by.is_some() => {
            f.write_str("put a program in its place")
        }
        Cause::Text => f.write_str("such a text is for /bin/sh, which does not run here"),
        Cause::UnknownFormat => {
            f.write_str("a script begins with #! and the path of the program that reads it")
        }
        Cause::Unreadable { .. } => write!(f, "in the Dockerfile: RUN chmod a+rx {file}"),
        Cause::Unsearchable { directory, .. } => write!(
            f,
            "in the Dockerfile: RUN chmod a+x {}; or run as another user",
            Word(directory.as_os_str())
        ),
        Cause::Directory => f.write_str(
            "name a program in it; if a file is to be mounted there, the host may not have that file",
        ),
        Cause::NotRegular => f.write_str("check the path"),
        Cause::NoExecuteBit { .. } | Cause::NotForThisUser { .. } => write!(
            f,
            "in the Dockerfile: RUN chmod a+rx {file}, or COPY --chmod=755"
        ),
        Cause::NoExec { .. } => {
            f.write_str("put the program elsewhere, or mount that without noexec")
        }
        Cause::Other(errno) => f.write_str(advice(*errno)),
    }
}

fn add_hint(f: &mut Formatter, name: &OsStr, hint: &Hint) -> fmt::Result {
    match hint {
        Hint::Here => write!(
            f,
            "there is one in the working directory: to run that, write ./{}",
            Word(name)
        ),
        Hint::OtherCase(other) => add_other_case(f, other),
        Hint::OneWord(first) => write!(
            f,
            "{} is there: pass its arguments as separate words, as in [\"{}\", \"ARG\"]",
            Quoted(first),
            Escaped(first.as_bytes())
        ),
        Hint::Unsearchable {
            file,
            directory,
            user,
        } => write!(
            f,
            "it may be {}, but user {user} may not enter {}; in the Dockerfile: RUN chmod a+x {}",
            File(file),
            File(directory),
            Word(directory.as_os_str())
        ),
    }
}

fn add_other_case(f: &mut Formatter, other: &Path) -> fmt::Result {
    write!(f, "there is {}: check upper and lower case", File(other))
}

fn add_cure_without_loader(
    f: &mut Formatter,
    loader: &Path,
    built_for: Option<Libc>,
    arch: Option<Arch>,
    image_has: Option<Libc>,
) -> fmt::Result {
    match (built_for, image_has) {
        _ if arch.is_some() => add_platform(f, Arch::of_machine()),
        (Some(libc), Some(other)) if libc != other => write!(
            f,
            "this image has {other} ({}): build it for that, or use an image with {libc} ({})",
            known_from(other),
            known_from(libc)
        ),
        (Some(libc), None) => write!(
            f,
            "link it statically, or use an image with {libc} ({})",
            known_from(libc)
        ),
        _ => write!(
            f,
            "link it statically, or put {} into the image too",
            File(loader)
        ),
    }
}

/// A system that has it.
fn known_from(libc: Libc) -> &'static str {
    match libc {
        Libc::Glibc => "Debian",
        Libc::Musl => "Alpine",
    }
}

fn add_platform(f: &mut Formatter, machine: Arch) -> fmt::Result {
    f.write_str("build or pull the image for this machine")?;
    match machine.docker {
        Some(docker) => write!(f, ": --platform linux/{docker}"),
        None => Ok(()),
    }
}

/// What to do about the kernel's reasons that lie in no file.
fn advice(errno: Errno) -> &'static str {
    match errno {
        Errno::E2BIG => "shorten them, or raise the limit, a quarter of the stack's (ulimit -s)",
        Errno::EACCES => {
            "a security module of the host may forbid it (SELinux, AppArmor): see its log"
        }
        Errno::EIO => "check the disk",
        Errno::ENAMETOOLONG => "a name may have 255 bytes, a whole path 4095",
        Errno::ENFILE => "raise the host's limit (sysctl fs.file-max)",
        Errno::ENOMEM => "give the container more memory",
        Errno::EPERM => {
            "the host's seccomp profile or a security module may forbid it: see its log"
        }
        Errno::ETXTBSY => "start it when it is written and closed",
        _ => "execve(2) lists what the kernel may mean",
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Self { is, needed } = self;
        write!(f, "damaged or cut off: it has {is} of {needed} bytes")
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
            Self::Ar => "an ar archive",
        })
    }
}

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
            Self::OutOfMemory { limit: Some(limit) } => write!(
                f,
                "out of memory (the container's limit is {})",
                Bytes(*limit)
            ),
            Self::OutOfMemory { limit: None } => f.write_str(
                "out of memory (the container has no limit of its own: the host or the pod was short)",
            ),
            Self::Killed => f.write_str(
                "not out of memory; a process sent it (kill -9), or its processor time was used up (ulimit -t)",
            ),
            Self::Unknown => f.write_str(
                "out of memory, or a process sent it (kill -9); the kernel's count does not tell which",
            ),
        }
    }
}

/// What a signal commonly means that kills a program (signal(7)).
fn meaning(signal: Signal) -> &'static str {
    match signal.raw() {
        libc::SIGABRT => "it gave up by itself (abort); its own last lines should say why",
        libc::SIGALRM | libc::SIGVTALRM | libc::SIGPROF => {
            "a timer of its own went off, and it does nothing about that"
        }
        libc::SIGBUS => {
            "it used memory behind which there is nothing: a file cut off, or /dev/shm full (--shm-size)"
        }
        libc::SIGFPE => "an arithmetic error, such as a division by zero",
        libc::SIGHUP => "its terminal went away, or a process sent it",
        libc::SIGILL => {
            "it used an instruction that this processor does not have: it may be built for a newer one"
        }
        libc::SIGPIPE => "it wrote to a pipe or connection that nobody reads",
        libc::SIGSEGV => "it used memory that is not its own, a mistake in the program",
        libc::SIGSYS => "it made a system call that is forbidden here (seccomp)",
        libc::SIGTRAP => "a check of its own failed, or a debugger stopped it",
        libc::SIGXCPU => "it used up its processor time (ulimit -t)",
        libc::SIGXFSZ => "it wrote a file larger than allowed (ulimit -f)",
        _ => "a process sent it that is not rinit, or the program itself",
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
                "no COMMAND to run; usage: rinit [OPTIONS] [--] COMMAND [ARG]..., see rinit --help (in a Dockerfile, ENTRYPOINT drops the CMD of the base image: write it again)",
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

pub const HELP: &str = include_str!("message/help.txt");

pub const BRIEF_HELP: &str = include_str!("message/brief_help.txt");

// What these have beside the options, see cli/help.rs.

#[cfg(test)]
pub const ABOUT: &str = "The first process of a container: starts COMMAND, forwards signals, reaps
orphans, lets what COMMAND left behind finish, exits with COMMAND's status.";

#[cfg(test)]
pub const AFTER_BRIEF_HELP: &str =
    "rinit --help tells of variables, values, exit statuses, and gives examples.";

#[cfg(test)]
pub const AFTER_HELP: &str = "\
Variables: RINIT_KILL_AFTER=8s is --kill-after 8s, RINIT_VERBOSE=2 is -vv.
RINIT_MAKE_ROOM=0 runs systemd and its like as any command.
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
