//! Why COMMAND was not started: what is wrong.

use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;

use nix::errno::Errno;

use super::cure::add_cure;
use super::escaped::Escaped;
use super::part::{File, INDENT, Named, Quoted};
use crate::explain::{Archive, Cause, Failure, Libc, Size, System};

/// The first line names the file and what is wrong with it, the others what to do.
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
                "it has Windows line endings, so its first line asks for \"{}\\r\"",
                Escaped(interpreter.as_os_str().as_bytes())
            ),
            Self::EnvCarriageReturn { name } => write!(
                f,
                "it has Windows line endings, so its first line asks env for \"{}\\r\"",
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
            Self::InterpreterLoop => f.write_str(
                "its interpreter is a script, the interpreter of that is another, and so on",
            ),
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
            Self::DamagedElf => f.write_str("it is a program, but damaged or truncated"),
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
            Self::Text => f.write_str("it is text without a #! line"),
            Self::UnknownFormat => f.write_str("it is neither a program nor a script"),
            Self::Unreadable { user } => write!(
                f,
                "it is not a program, and if it is a script, user {user} may not read it"
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

impl Display for Size {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Self { is, needed } = self;
        write!(f, "damaged or truncated: it has {is} of {needed} bytes")
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
