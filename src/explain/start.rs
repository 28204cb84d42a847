//! Why COMMAND did not start.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::geteuid;

use super::arch::Arch;
use super::c_library::Libc;
use super::cause::{Cause, Failure};
use super::format::{Format, Interpreter};
use super::program::SHELL;
use super::{file, missing, permission};
use crate::search::Search;
use crate::sys::spawn::ExecError;

/// How far an interpreter may itself be a script, as in the kernel (exec's
/// own limit, fs/exec.c).
const DEEPEST: u32 = 5;

/// Why none of the paths could be run by which COMMAND was looked for.
pub fn why_not_started(search: &Search, error: ExecError) -> Failure {
    // The search continues past a file whose interpreter is missing, which is
    // the one that was meant; and so is a link that leads nowhere.
    let found = match error.errno {
        Errno::ENOENT => {
            let mut paths = search.paths.iter();
            let link = paths.clone().find(|path| path.is_symlink());
            paths.find(|path| path.exists()).or(link)
        }
        _ => search.paths.get(error.path),
    };
    let is_by_path = search.name.as_bytes().contains(&b'/');
    match found.or(search.paths.first().filter(|_| is_by_path)) {
        // Whether there is a file where nobody may look is not known.
        Some(file) if is_by_path || file.is_symlink() || file.exists() => {
            why_not_run(file.clone(), error.errno)
        }
        _ => {
            let cause = missing::why_not_in_path(search, error.errno);
            Failure::of(PathBuf::from(&search.name), cause)
        }
    }
}

/// Why that file cannot be run.
fn why_not_run(file: PathBuf, errno: Errno) -> Failure {
    let mut failure = Failure::of(file, Cause::Other(errno));
    for _ in 0..DEEPEST {
        match cause(&failure.file, errno) {
            Verdict::Cause(cause) => {
                failure.cause = cause;
                break;
            }
            Verdict::Needed(other) => {
                failure.needed_by = Some(std::mem::replace(&mut failure.file, other));
            }
        }
    }
    failure
}

enum Verdict {
    Cause(Cause),
    /// What the file needs is to blame: its interpreter, or its loader.
    Needed(PathBuf),
}

fn cause(file: &Path, errno: Errno) -> Verdict {
    match missing::obstacle(file) {
        // The kernel has gone the whole way; it is the look that is refused.
        Some(Cause::Unsearchable { .. } | Cause::Other(_)) if errno == Errno::ENOENT => {
            return Verdict::Cause(Cause::Missing {
                directory: None,
                hint: None,
            });
        }
        Some(obstacle) => return Verdict::Cause(obstacle),
        None => {}
    }
    let cause = match errno {
        Errno::ENOENT => return why_incomplete(file),
        Errno::EACCES => return why_refused(file),
        Errno::ENOEXEC | Errno::ELIBBAD | Errno::EINVAL | Errno::EIO => {
            return why_unknown(file, errno);
        }
        // It is no link that is to blame.
        Errno::ELOOP => Cause::InterpreterLoop,
        other => Cause::Other(other),
    };
    Verdict::Cause(cause)
}

/// ENOENT for a file that is there: something that it needs is not.
fn why_incomplete(file: &Path) -> Verdict {
    let cause = match file::format(file) {
        Format::Script(Some(interpreter)) => {
            if interpreter.path.exists() {
                return Verdict::Needed(interpreter.path);
            }
            match interpreter.without_carriage_return() {
                Some(meant) => Cause::CarriageReturn {
                    interpreter: meant.to_owned(),
                },
                None => Cause::InterpreterMissing {
                    interpreter: interpreter.path,
                    has_shell: Path::new(OsStr::from_bytes(SHELL.to_bytes())).exists(),
                },
            }
        }
        Format::Elf(Some(elf)) => match elf.loader {
            Some(loader) if !loader.exists() => Cause::LoaderMissing {
                built_for: Libc::of_loader(&loader),
                arch: Some(elf.arch).filter(|arch| *arch != Arch::of_machine()),
                image_has: Libc::of_image(),
                loader,
            },
            // The emulator is missing that binfmt_misc names for it.
            _ if elf.arch != Arch::of_machine() => Cause::Foreign {
                built_for: elf.arch,
                machine: Arch::of_machine(),
            },
            _ => Cause::Other(Errno::ENOENT),
        },
        _ => Cause::Other(Errno::ENOENT),
    };
    Verdict::Cause(cause)
}

/// The kernel knows no way to run the file, or finds it damaged.
fn why_unknown(file: &Path, errno: Errno) -> Verdict {
    let machine = Arch::of_machine();
    // Or the end of a file that is cut off, where the kernel wants to read more.
    let is_disk_error = errno == Errno::EIO;
    let cause = match file::format(file) {
        Format::Script(Some(Interpreter { path, .. })) if !is_disk_error || !is_sound(&path) => {
            return Verdict::Needed(path);
        }
        Format::Elf(Some(elf)) if elf.arch != machine => Cause::Foreign {
            built_for: elf.arch,
            machine,
        },
        Format::Elf(Some(elf)) if elf.is_unlinked => Cause::NotLinked,
        Format::Elf(Some(elf)) if elf.size.is_cut_off() => Cause::CutOff(elf.size),
        Format::Elf(Some(elf)) => match elf.loader {
            Some(loader) if errno != Errno::ENOEXEC && !is_sound(&loader) => {
                return Verdict::Needed(loader);
            }
            _ if is_disk_error => Cause::Other(errno),
            _ => Cause::DamagedElf,
        },
        Format::Elf(None) => Cause::DamagedElf,
        _ if is_disk_error => Cause::Other(errno),
        Format::Script(_) => Cause::NoInterpreter,
        Format::ByteOrderMark => Cause::ByteOrderMark,
        Format::Utf16 => Cause::Utf16,
        Format::OtherSystem(system) => Cause::OtherSystem(system),
        Format::Archive(archive) => Cause::Archive(archive),
        Format::Empty => Cause::Empty,
        Format::Text => Cause::Text,
        Format::Unknown => Cause::UnknownFormat,
        Format::Unreadable => Cause::Unreadable { user: geteuid() },
    };
    Verdict::Cause(cause)
}

/// Whether a file looks like a program of this machine.
fn is_sound(file: &Path) -> bool {
    match file::format(file) {
        Format::Elf(Some(elf)) => {
            elf.arch == Arch::of_machine() && !elf.is_unlinked && !elf.size.is_cut_off()
        }
        _ => false,
    }
}

fn why_refused(file: &Path) -> Verdict {
    if let Some(cause) = permission::why_refused(file) {
        return Verdict::Cause(cause);
    }
    // The file itself is in order; what it needs may not be.
    let needed = match file::format(file) {
        Format::Script(None) => return Verdict::Cause(Cause::NoInterpreter),
        Format::Script(interpreter) => interpreter.map(|interpreter| interpreter.path),
        Format::Elf(elf) => elf.and_then(|elf| elf.loader),
        _ => None,
    };
    match needed {
        Some(needed) if permission::why_refused(&needed).is_some() => Verdict::Needed(needed),
        _ => Verdict::Cause(Cause::Other(Errno::EACCES)),
    }
}
