//! A file that is not where it is looked for, or that cannot be got at.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::geteuid;

use super::cause::{Cause, Hint};
use super::file;
use super::shell_word::ShellWord;
use crate::search::Search;

/// Symbolic links on one way, as in the kernel (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// Directories of PATH that are looked into, each of which may be large.
const MOST_DIRECTORIES: usize = 64;

/// Why a name without a slash was not found, where the kernel returned `errno`.
pub fn why_not_in_path(search: &Search, errno: Errno) -> Cause {
    let name = &search.name;
    if name.is_empty() {
        return Cause::NoName;
    }
    Cause::NotInPath {
        searched: search.path.clone(),
        is_set: std::env::var_os("PATH").is_some(),
        hint: hint(search, errno),
    }
}

/// Where else it may be, or what else may be meant.
fn hint(search: &Search, errno: Errno) -> Option<Hint> {
    let name = &search.name;
    let directories = || search.directories().take(MOST_DIRECTORIES);
    if Path::new(name).is_file() {
        return Some(Hint::Here);
    }
    let in_other_case = |directory| in_other_case(directory, name);
    if let Some(other) = directories().find_map(in_other_case) {
        return Some(Hint::OtherCase(other));
    }
    let is_there = |first: &OsStr| directories().any(|directory| directory.join(first).is_file());
    if let Some(hint) = words_in_one(name, is_there) {
        return Some(hint);
    }
    // No directory has kept the kernel out.
    if errno != Errno::EACCES {
        return None;
    }
    search
        .paths
        .iter()
        .take(MOST_DIRECTORIES)
        .find_map(|path| match obstacle(path) {
            Some(Cause::Unsearchable { directory, user }) => Some(Hint::Unsearchable {
                file: path.clone(),
                directory,
                user,
            }),
            _ => None,
        })
}

/// Whether more than a name was given: shell syntax, or a program, which `is_there`, with its arguments.
fn words_in_one(name: &OsStr, is_there: impl Fn(&OsStr) -> bool) -> Option<Hint> {
    if let Some(word) = ShellWord::find(name) {
        return Some(Hint::ForShell(word));
    }
    let first = first_word(name).filter(|first| is_there(first))?;
    Some(Hint::OneWord(first.to_owned()))
}

/// What stands before the first blank.
fn first_word(words: &OsStr) -> Option<&OsStr> {
    let blank = words.as_bytes().iter().position(|byte| *byte == b' ')?;
    words.as_bytes().get(..blank).map(OsStr::from_bytes)
}

/// What is in the way to a file, going it as the kernel does; `None`: it can be reached.
pub fn obstacle(file: &Path) -> Option<Cause> {
    let found = errno(&file.metadata().err()?);
    // So far without a link in it.
    let mut here = PathBuf::new();
    let mut ahead = file.to_owned();
    // With how many components were to follow each.
    let mut links: Vec<(PathBuf, usize)> = Vec::new();
    loop {
        let mut components = ahead.components();
        let Some(component) = components.next() else {
            // A slash at the end asks for a directory.
            return (found == Errno::ENOTDIR).then_some(Cause::NotADirectory(here));
        };
        let next = here.join(component);
        let rest = components.as_path().to_owned();
        match next.symlink_metadata() {
            Ok(metadata) if !metadata.is_symlink() => {
                here = next;
                ahead = rest;
            }
            Ok(_) => {
                if links.len() == MOST_LINKS {
                    return Some(Cause::LinkLoop(next));
                }
                // An absolute target starts anew: joined to anything, it replaces that.
                ahead = next.read_link().ok()?.join(&rest);
                links.push((next, rest.components().count()));
            }
            Err(error) => {
                // Of a directory behind a link, what is not there is no fault of the link's.
                let behind = rest.components().count();
                let leads_there = |(_, follow): &(PathBuf, usize)| *follow <= behind;
                let link = links.into_iter().rfind(leads_there).map(|(link, _)| link);
                return Some(match (errno(&error), link) {
                    (Errno::EACCES, _) => Cause::Unsearchable {
                        // By no name, the working directory is meant.
                        directory: match here.as_os_str().is_empty() {
                            true => PathBuf::from("."),
                            false => here,
                        },
                        user: geteuid(),
                    },
                    (Errno::ENOTDIR, _) => Cause::NotADirectory(here),
                    (Errno::ENOENT, Some(link)) => Cause::DanglingLink { link, target: next },
                    (Errno::ENOENT, None) => Cause::Missing {
                        hint: next
                            .file_name()
                            .and_then(|name| in_other_case(&here, name))
                            .map(Hint::OtherCase)
                            .or_else(|| {
                                words_in_one(file.as_os_str(), |first| Path::new(first).is_file())
                            }),
                        directory: (rest != Path::new("")).then_some(next),
                    },
                    (other, _) => Cause::Other(other),
                });
            }
        }
    }
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// What is in that directory under a name that differs in case only.
fn in_other_case(directory: &Path, name: &OsStr) -> Option<PathBuf> {
    file::find(directory, |other| {
        other.eq_ignore_ascii_case(name) && other != name
    })
}
