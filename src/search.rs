//! Where COMMAND is looked for (execvp(3)).

use crate::time::Time;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where shells look when PATH is not set.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How COMMAND is looked for.
pub struct Search {
    /// As given.
    pub name: OsString,
    /// The value of PATH.
    pub path: OsString,
    /// Where it may be, in order.
    pub paths: Vec<PathBuf>,
    /// When COMMAND was started, if it was: the time since boot.
    pub started_at: Option<Time>,
}

impl Search {
    /// `path` is the value of PATH, if it has one.
    pub fn new(name: &OsStr, path: Option<OsString>) -> Self {
        let path = path.unwrap_or_else(|| DEFAULT_PATH.into());
        let paths = if name.is_empty() {
            Vec::new()
        } else if name.as_bytes().contains(&b'/') {
            vec![PathBuf::from(name)]
        } else {
            directories(&path)
                .map(|directory| directory.join(name))
                .collect()
        };
        Self {
            name: name.to_owned(),
            path,
            paths,
            started_at: None,
        }
    }

    /// The same, for when rinit will have left the working directory, which `here` returns.
    pub fn absolute(self, here: impl FnOnce() -> Option<PathBuf>) -> Self {
        let paths_are = self.paths.iter().all(|path| path.is_absolute());
        if paths_are && self.directories().all(Path::is_absolute) {
            return self;
        }
        let Some(here) = here() else {
            return self;
        };
        let directories: Vec<OsString> = self
            .directories()
            .map(|directory| here.join(directory).into_os_string())
            .collect();
        // By its components: without `.`.
        let paths = self.paths.iter();
        let paths = paths.map(|path| here.join(path).components().collect());
        Self {
            path: directories.join(OsStr::new(":")),
            paths: paths.collect(),
            ..self
        }
    }

    /// The directories of PATH. An empty one is the working directory.
    pub fn directories(&self) -> impl Iterator<Item = &Path> {
        directories(&self.path)
    }
}

fn directories(path: &OsStr) -> impl Iterator<Item = &Path> {
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|directory| Path::new(OsStr::from_bytes(directory)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(name: &str, path: Option<&str>) -> Vec<PathBuf> {
        Search::new(OsStr::new(name), path.map(OsString::from)).paths
    }

    fn paths(paths: &[&str]) -> Vec<PathBuf> {
        paths.iter().map(PathBuf::from).collect()
    }

    #[test]
    fn a_name_without_a_slash_is_looked_up_in_path() {
        let found = searched("app", Some("/a:/b/"));
        assert_eq!(found, paths(&["/a/app", "/b/app"]));
        assert!(searched("app", None).contains(&"/bin/app".into()));
    }

    #[test]
    fn nothing_in_path_stands_for_the_working_directory() {
        assert_eq!(searched("app", Some("")), paths(&["app"]));
        let found = searched("app", Some("/a::b"));
        assert_eq!(found, paths(&["/a/app", "app", "b/app"]));
    }

    #[test]
    fn a_name_with_a_slash_is_taken_as_it_is() {
        assert_eq!(searched("./app", Some("/a")), paths(&["./app"]));
        assert_eq!(searched("/app", None), paths(&["/app"]));
    }

    #[test]
    fn an_empty_name_is_nowhere() {
        assert!(searched("", Some("/a")).is_empty());
    }
}
