//! Why COMMAND did not start, and why it died. Worked out only when it has
//! happened: a start that works costs nothing.
//!
//! The files looked at may be hostile, and rinit may be root: a bounded part
//! is read, of regular files only, and nothing waits.

mod arch;
pub mod death;
mod elf;
pub mod env;
mod file;
mod format;
mod missing;
mod permission;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::Uid;

pub use arch::Arch;
pub use death::{Death, Killer};
pub use elf::Libc;
use file::Contents;
pub use format::{Archive, System};
use format::{Format, Interpreter};

use crate::exit_code;
use crate::search::Search;
use crate::sys::spawn::ExecError;

/// Why what could not be run.
pub struct Failure {
    /// The file that was meant: the one found, an interpreter, or the name as given.
    pub file: PathBuf,
    pub cause: Cause,
}

/// What the file, or what is around it, tells about the kernel's refusal.
pub enum Cause {
    /// In no directory of PATH.
    NotInPath {
        name: OsString,
        /// The value of PATH.
        searched: OsString,
        /// There is a file of that name in the working directory.
        is_here: bool,
        other_case: Option<PathBuf>,
    },
    Missing {
        other_case: Option<PathBuf>,
    },
    MissingDirectory(PathBuf),
    DanglingLink(PathBuf),
    NotADirectory(PathBuf),
    InterpreterMissing {
        interpreter: PathBuf,
        has_shell: bool,
    },
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
    LoaderMissing {
        loader: PathBuf,
        built_for: Option<Libc>,
        image_has: Option<Libc>,
    },
    Foreign {
        built_for: Arch,
        machine: Arch,
    },
    DamagedElf,
    NotLinked,
    ByteOrderMark,
    OtherSystem(System),
    Archive(Archive),
    Empty,
    NoShell,
    UnknownFormat,
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

impl Cause {
    /// The exit status: COMMAND was not found, or cannot be run.
    pub fn status(&self) -> u8 {
        match self {
            Self::NotInPath { .. }
            | Self::Missing { .. }
            | Self::MissingDirectory(_)
            | Self::DanglingLink(_)
            | Self::NotADirectory(_) => exit_code::NOT_FOUND,
            _ => exit_code::CANNOT_RUN,
        }
    }
}

/// How far an interpreter may itself be a script, as in the kernel (exec's
/// own limit, fs/exec.c).
const DEEPEST: u32 = 5;

/// Why none of the paths could be run by which COMMAND was looked for.
pub fn why_not_started(search: &Search, error: ExecError) -> Failure {
    // The search goes on behind a file whose interpreter is missing, which is
    // the one that was meant.
    let found = match error.errno {
        Errno::ENOENT => search.paths.iter().find(|path| path.exists()),
        _ => search.paths.get(error.path),
    };
    if let Some(file) = found {
        return why_not_run(file.clone(), error.errno);
    }
    let file = PathBuf::from(&search.name);
    let cause = if search.name.as_bytes().contains(&b'/') {
        missing::why_missing(&file)
    } else {
        missing::why_not_in_path(search)
    };
    Failure { file, cause }
}

/// Why a file that is there cannot be run.
fn why_not_run(file: PathBuf, errno: Errno) -> Failure {
    let mut file = file;
    for _ in 0..DEEPEST {
        match cause(&file, errno) {
            Verdict::Cause(cause) => return Failure { file, cause },
            Verdict::Interpreter(interpreter) => file = interpreter,
        }
    }
    Failure {
        file,
        cause: Cause::Other(errno),
    }
}

enum Verdict {
    Cause(Cause),
    /// The file is a script, and its interpreter is to blame.
    Interpreter(PathBuf),
}

fn cause(file: &Path, errno: Errno) -> Verdict {
    let cause = match errno {
        Errno::ENOENT => return why_incomplete(file),
        Errno::ENOEXEC => return why_unknown(file),
        Errno::EACCES => return why_refused(file),
        Errno::ENOTDIR => missing::why_missing(file),
        other => Cause::Other(other),
    };
    Verdict::Cause(cause)
}

/// ENOENT for a file that is there: something that it needs is not.
fn why_incomplete(file: &Path) -> Verdict {
    let contents = Contents::read(file);
    let cause = match contents.format() {
        Format::Script(Interpreter {
            path,
            carriage_return: true,
            ..
        }) => Cause::CarriageReturn { interpreter: path },
        Format::Script(Interpreter { path, .. }) if path.exists() => {
            return Verdict::Interpreter(path);
        }
        Format::Script(Interpreter { path, .. }) => Cause::InterpreterMissing {
            interpreter: path,
            has_shell: Path::new(SHELL).exists(),
        },
        Format::Elf(Some(elf)) => match elf.loader {
            Some(loader) => Cause::LoaderMissing {
                built_for: Libc::of_loader(&loader),
                image_has: Libc::of_image(),
                loader,
            },
            None => Cause::DamagedElf,
        },
        _ => Cause::Other(Errno::ENOENT),
    };
    Verdict::Cause(cause)
}

/// ENOEXEC: the kernel knows no way to run the file.
fn why_unknown(file: &Path) -> Verdict {
    let contents = Contents::read(file);
    let cause = match contents.format() {
        Format::Script(Interpreter { path, .. }) => return Verdict::Interpreter(path),
        Format::Elf(Some(elf)) => match Arch::of_machine() {
            Some(machine) if machine != elf.arch => Cause::Foreign {
                built_for: elf.arch,
                machine,
            },
            _ if elf.is_unlinked => Cause::NotLinked,
            _ => Cause::DamagedElf,
        },
        Format::Elf(None) => Cause::DamagedElf,
        Format::ByteOrderMark => Cause::ByteOrderMark,
        Format::OtherSystem(system) => Cause::OtherSystem(system),
        Format::Archive(archive) => Cause::Archive(archive),
        Format::Empty => Cause::Empty,
        Format::Text => Cause::NoShell,
        Format::Unknown => Cause::UnknownFormat,
    };
    Verdict::Cause(cause)
}

fn why_refused(file: &Path) -> Verdict {
    if let Some(cause) = permission::why_refused(file) {
        return Verdict::Cause(cause);
    }
    // The file itself is in order; its interpreter may not be.
    match Contents::read(file).format() {
        Format::Script(Interpreter { path, .. }) => match permission::why_refused(&path) {
            Some(_) => Verdict::Interpreter(path),
            None => Verdict::Cause(Cause::Other(Errno::EACCES)),
        },
        Format::Elf(Some(elf)) => match elf.loader {
            Some(loader) if permission::why_refused(&loader).is_some() => {
                Verdict::Interpreter(loader)
            }
            _ => Verdict::Cause(Cause::Other(Errno::EACCES)),
        },
        _ => Verdict::Cause(Cause::Other(Errno::EACCES)),
    }
}

const SHELL: &str = "/bin/sh";

/// Whether a file that the kernel does not know how to run is a script for
/// the shell.
pub fn is_shell_script(file: &Path) -> bool {
    matches!(Contents::read(file).format(), Format::Text)
}
