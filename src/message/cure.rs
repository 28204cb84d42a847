//! Why COMMAND was not started: what to do about it.

use std::ffi::OsStr;
use std::fmt::{self, Formatter};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::errno::Errno;

use super::escaped::Escaped;
use super::part::{File, INDENT, Quoted, Word};
use crate::explain::{Arch, Archive, Cause, Failure, Hint, Libc, ShellWord};

/// Of another user's process.
pub const PERMISSION_TO_SIGNAL: &str =
    "run rinit as root, as that user, or with the KILL capability";

/// What to do about it.
pub fn add_cure(f: &mut Formatter, failure: &Failure) -> fmt::Result {
    let name = failure.file.as_os_str();
    let file = Word(name);
    match &failure.cause {
        Cause::NoName => f.write_str("see whether the variable that should hold it is empty"),
        Cause::NotInPath {
            searched,
            is_set,
            hint,
        } => {
            match hint {
                None => f.write_str("install it in the image, or give its full path")?,
                Some(hint) => add_hint(f, name, hint)?,
            }
            let which = match is_set {
                true => "PATH is",
                false => "PATH is not set; the directories searched are",
            };
            write!(f, "{INDENT}{which} {}", Quoted(searched))
        }
        Cause::Missing {
            hint: Some(hint), ..
        } => add_hint(f, name, hint),
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
        Cause::NotADirectory(_) => f.write_str("check the path: it treats a file as a directory"),
        Cause::InterpreterMissing {
            interpreter,
            has_shell,
        } => match (interpreter.is_absolute(), has_shell) {
            (false, _) => f.write_str("write its full path there, or: #!/usr/bin/env NAME"),
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
            f.write_str("write the path of a program there that is not a script, such as #!/bin/sh")
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
        Cause::Utf16 => {
            f.write_str("save it as UTF-8, without a byte order mark and with Unix line endings")
        }
        Cause::OtherSystem(_) => f.write_str("build it for Linux (with Go: GOOS=linux)"),
        Cause::Archive(Archive::Zip) => {
            f.write_str("unpack it in the image; a .jar is run by: java -jar FILE")
        }
        Cause::Archive(_) => f.write_str("unpack it in the image, and run what is in it"),
        Cause::Empty => f.write_str("see whether building, downloading or copying it failed"),
        Cause::Text if failure.needed_by.is_some() => f.write_str("put a program in its place"),
        Cause::Text => f.write_str("text is run by /bin/sh, which cannot be run here"),
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
            "name a program in it; if a file was to be mounted there, the host may not have it",
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
        Hint::OtherCase(other) => {
            write!(f, "there is {}: check upper and lower case", File(other))
        }
        Hint::ForShell(word) => f.write_str(match word {
            ShellWord::Variable => {
                "nothing replaces variables or ~ here: write the name itself, or [\"sh\", \"-c\", \"exec $APP\"]"
            }
            ShellWord::Quotes => "the quotes are part of the name here: leave them out",
            ShellWord::Assignment => {
                "set variables with ENV in the Dockerfile, or by env: [\"env\", \"NAME=VALUE\", \"app\"]"
            }
            ShellWord::Builtin | ShellWord::Operator => {
                "only a shell understands it: leave it out, or have one run the whole line: \
                 [\"sh\", \"-c\", \"LINE\"]"
            }
        }),
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
        Errno::ETXTBSY => "start it once it has been written and closed",
        _ => "execve(2) lists what the kernel may mean",
    }
}
