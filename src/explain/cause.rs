//! Why COMMAND could not be run, as values: the findings that messages are made of.

use std::ffi::OsString;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::unistd::Uid;

use super::arch::Arch;
use super::c_library::Libc;
use super::elf::Size;
use super::format::{Archive, System};
use super::shell_word::ShellWord;
use crate::exit_code;

/// Why what could not be run.
pub struct Failure {
    /// The file that was meant: the one found, an interpreter, or the name as given.
    pub file: PathBuf,
    /// What needs the file: a script its interpreter, a program its loader.
    pub needed_by: Option<PathBuf>,
    pub cause: Cause,
}

impl Failure {
    /// COMMAND itself is to blame.
    pub fn of(file: PathBuf, cause: Cause) -> Self {
        Self {
            file,
            needed_by: None,
            cause,
        }
    }
}

/// Why the kernel refused, as far as the file and what is around it show.
pub enum Cause {
    /// COMMAND is the empty word.
    NoName,
    /// In no directory of PATH.
    NotInPath {
        /// The value of PATH, or what stands for it.
        searched: OsString,
        is_set: bool,
        hint: Option<Hint>,
    },
    Missing {
        /// What is not there, if that is a directory on the way.
        directory: Option<PathBuf>,
        hint: Option<Hint>,
    },
    /// A symbolic link leads to what is not there.
    DanglingLink {
        link: PathBuf,
        target: PathBuf,
    },
    LinkLoop(PathBuf),
    NotADirectory(PathBuf),
    InterpreterMissing {
        interpreter: PathBuf,
        has_shell: bool,
    },
    /// A script's first line names this, with a carriage return.
    CarriageReturn {
        interpreter: PathBuf,
    },
    /// A script's first line asks env for this, with a carriage return.
    EnvCarriageReturn {
        name: OsString,
    },
    EnvMissing {
        name: OsString,
    },
    /// A script's first line begins with `#!`, and names nothing.
    NoInterpreter,
    /// Scripts are the interpreters of scripts, beyond what the kernel follows.
    InterpreterLoop,
    LoaderMissing {
        loader: PathBuf,
        built_for: Option<Libc>,
        /// If that is not the machine's.
        arch: Option<Arch>,
        image_has: Option<Libc>,
    },
    Foreign {
        built_for: Arch,
        machine: Arch,
    },
    DamagedElf,
    CutOff(Size),
    NotLinked,
    ByteOrderMark,
    Utf16,
    OtherSystem(System),
    Archive(Archive),
    Empty,
    /// Without `#!`: for a shell to run, if there is one.
    Text,
    UnknownFormat,
    Unreadable {
        user: Uid,
    },
    Unsearchable {
        directory: PathBuf,
        user: Uid,
    },
    Directory,
    NotRegular,
    NoExecuteBit {
        mode: u32,
    },
    NotForThisUser {
        mode: u32,
        user: Uid,
    },
    NoExec {
        mount: PathBuf,
    },
    Other(Errno),
}

/// What may be meant by a name that leads to no file.
pub enum Hint {
    /// A file of that name in the working directory.
    Here,
    OtherCase(PathBuf),
    /// The name holds blanks, and this, before the first of them, is there.
    OneWord(OsString),
    ForShell(ShellWord),
    /// It could be this file, were it not for that directory.
    Unsearchable {
        file: PathBuf,
        directory: PathBuf,
        user: Uid,
    },
}

impl Cause {
    /// The exit status: COMMAND was not found, or cannot be run.
    pub fn status(&self) -> u8 {
        match self {
            Self::NotInPath {
                hint: Some(Hint::Unsearchable { .. }),
                ..
            } => exit_code::CANNOT_RUN,
            Self::NoName
            | Self::NotInPath { .. }
            | Self::Missing { .. }
            | Self::DanglingLink { .. }
            | Self::NotADirectory(_) => exit_code::NOT_FOUND,
            Self::LinkLoop(_)
            | Self::InterpreterMissing { .. }
            | Self::CarriageReturn { .. }
            | Self::EnvCarriageReturn { .. }
            | Self::EnvMissing { .. }
            | Self::NoInterpreter
            | Self::InterpreterLoop
            | Self::LoaderMissing { .. }
            | Self::Foreign { .. }
            | Self::DamagedElf
            | Self::CutOff(_)
            | Self::NotLinked
            | Self::ByteOrderMark
            | Self::Utf16
            | Self::OtherSystem(_)
            | Self::Archive(_)
            | Self::Empty
            | Self::Text
            | Self::UnknownFormat
            | Self::Unreadable { .. }
            | Self::Unsearchable { .. }
            | Self::Directory
            | Self::NotRegular
            | Self::NoExecuteBit { .. }
            | Self::NotForThisUser { .. }
            | Self::NoExec { .. }
            | Self::Other(_) => exit_code::CANNOT_RUN,
        }
    }
}
