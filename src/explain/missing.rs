//! A file that is not where it is looked for.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::Cause;
use crate::search::Search;

/// No directory is searched for longer.
const MOST_ENTRIES: usize = 10_000;

/// Why a name without a slash was not found.
pub fn why_not_in_path(search: &Search) -> Cause {
    let name = &search.name;
    Cause::NotInPath {
        name: name.clone(),
        searched: search.path.clone(),
        is_here: !name.is_empty() && Path::new(name).exists(),
        other_case: search
            .directories()
            .find_map(|directory| in_other_case(directory, name)),
    }
}

/// Why there is nothing at that path.
pub fn why_missing(path: &Path) -> Cause {
    if let Ok(target) = path.read_link() {
        return Cause::DanglingLink(target);
    }
    let directories = path.ancestors().skip(1);
    // The first thing on the way that is not a directory.
    let stumble = directories
        .filter(|directory| !directory.as_os_str().is_empty() && !directory.is_dir())
        .last();
    if let Some(stumble) = stumble {
        return if stumble.symlink_metadata().is_ok() {
            Cause::NotADirectory(stumble.to_owned())
        } else {
            Cause::MissingDirectory(stumble.to_owned())
        };
    }
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let other_case = path
        .file_name()
        .and_then(|name| in_other_case(directory.unwrap_or(Path::new(".")), name));
    Cause::Missing { other_case }
}

/// A file of that directory whose name differs in case only.
fn in_other_case(directory: &Path, name: &OsStr) -> Option<PathBuf> {
    let entries = std::fs::read_dir(directory).ok()?;
    let is_other_case = |other: &OsString| other.eq_ignore_ascii_case(name) && *other != name;
    entries
        .flatten()
        .take(MOST_ENTRIES)
        .find(|entry| is_other_case(&entry.file_name()))
        .map(|entry| entry.path())
}
