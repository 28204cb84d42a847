//! How often the kernel's out-of-memory killer has struck in rinit's cgroup,
//! of version 2 or 1 (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst).

use std::path::{Path, PathBuf};

use crate::number;
use crate::sys::file;

/// Where every distribution and engine mounts it.
const MOUNT: &str = "/sys/fs/cgroup";
/// Bytes of /proc/self/cgroup with its dozen lines.
const LIST_SIZE: usize = 4096;
/// Bytes of a file of counts, or of one number.
const COUNTS_SIZE: usize = 512;
/// Version 1 writes "no limit" as the largest number of whole pages.
const NO_LIMIT: u64 = 1 << 60;

/// The memory cgroup of the container.
pub struct MemoryCgroup {
    directory: PathBuf,
    version: Version,
    killed_before: u64,
}

#[derive(Clone, Copy)]
pub enum Version {
    V1,
    V2,
}

impl Version {
    /// Its directory below the mount.
    fn hierarchy(self) -> &'static str {
        match self {
            Self::V1 => "memory",
            Self::V2 => "",
        }
    }

    /// The file that has a line `oom_kill N`, since Linux 4.13.
    fn counts(self) -> &'static str {
        match self {
            Self::V1 => "memory.oom_control",
            Self::V2 => "memory.events",
        }
    }

    fn limit(self) -> &'static str {
        match self {
            Self::V1 => "memory.limit_in_bytes",
            Self::V2 => "memory.max",
        }
    }
}

impl MemoryCgroup {
    /// Finds rinit's own memory cgroup; notes how many have been killed in it.
    ///
    /// Not inlined, as nothing with a large buffer is: whoever calls it would
    /// touch that memory, too.
    #[inline(never)]
    pub fn find() -> Option<Self> {
        let mut buffer = [0; LIST_SIZE];
        let list = file::read(format_args!("/proc/self/cgroup"), &mut buffer).unwrap_or_default();
        Self::find_below(Path::new(MOUNT), list)
    }

    /// `list` is what /proc/self/cgroup says.
    fn find_below(mount: &Path, list: &[u8]) -> Option<Self> {
        // By its path, or as the root of the container's own view.
        paths(list)
            .chain([(Version::V2, ""), (Version::V1, "")])
            .find_map(|(version, path)| {
                let mut cgroup = Self {
                    directory: mount.join(version.hierarchy()).join(path),
                    version,
                    killed_before: 0,
                };
                cgroup.killed_before = cgroup.killed()?;
                Some(cgroup)
            })
    }

    /// Whether the out-of-memory killer had struck before [`MemoryCgroup::find`].
    pub fn had_killed(&self) -> bool {
        self.killed_before > 0
    }

    /// Whether the out-of-memory killer has struck since [`MemoryCgroup::find`].
    pub fn has_killed(&self) -> bool {
        self.killed()
            .is_some_and(|killed| killed > self.killed_before)
    }

    /// Bytes; `None`: there is no limit here, or none that can be seen.
    pub fn limit(&self) -> Option<u64> {
        let mut buffer = [0; COUNTS_SIZE];
        limit(self.read(self.version.limit(), &mut buffer)?)
    }

    fn killed(&self) -> Option<u64> {
        let mut buffer = [0; COUNTS_SIZE];
        oom_kills(self.read(self.version.counts(), &mut buffer)?)
    }

    fn read<'b>(&self, name: &str, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        file::read(format_args!("{}/{name}", self.directory.display()), buffer)
    }
}

/// The memory cgroups that the lines of /proc/PID/cgroup name (cgroups(7)).
pub fn paths(list: &[u8]) -> impl Iterator<Item = (Version, &str)> {
    list.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = std::str::from_utf8(line).ok()?.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let version = if controllers.is_empty() {
            Version::V2
        } else if controllers.split(',').any(|name| name == "memory") {
            Version::V1
        } else {
            return None;
        };
        Some((version, path.trim_start_matches('/')))
    })
}

pub fn oom_kills(counts: &[u8]) -> Option<u64> {
    let count = counts
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"oom_kill "))?;
    number::parse(std::str::from_utf8(count).ok()?)
}

/// Version 2 writes "no limit" as `max`.
pub fn limit(bytes: &[u8]) -> Option<u64> {
    let limit = number::parse(std::str::from_utf8(bytes.trim_ascii()).ok()?)?;
    (limit < NO_LIMIT).then_some(limit)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    /// A mount of the kernel's files, as it would be with these in it.
    struct Mount(PathBuf);

    impl Mount {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let directory = format!("rinit-cgroup-{name}-{}", std::process::id());
            let mount = Self(std::env::temp_dir().join(directory));
            for (file, content) in files {
                mount.write(file, content);
            }
            mount
        }

        fn write(&self, file: &str, content: &str) {
            let path = self.0.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }

    impl Drop for Mount {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    const EVENTS: &str = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n";
    const CONTROL: &str = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";

    #[test]
    fn a_kill_since_the_start_is_counted_and_an_earlier_one_is_not() {
        for (name, list, file, counts) in [
            ("own-2", "0::/\n", "memory.events", EVENTS),
            ("path-2", "0::/a/b\n", "a/b/memory.events", EVENTS),
            (
                "own-1",
                "4:memory:/docker/1\n0::/\n",
                "memory/memory.oom_control",
                CONTROL,
            ),
            (
                "path-1",
                "3:cpu,memory:/a/b\n",
                "memory/a/b/memory.oom_control",
                CONTROL,
            ),
            ("no-list", "", "memory.events", EVENTS),
        ] {
            let mount = Mount::new(name, &[(file, counts)]);
            let cgroup = MemoryCgroup::find_below(&mount.0, list.as_bytes()).unwrap();
            assert!(!cgroup.has_killed(), "{name}");
            mount.write(file, &counts.replace("oom_kill 2", "oom_kill 3"));
            assert!(cgroup.has_killed(), "{name}");
        }
    }

    #[test]
    fn the_cgroup_of_its_own_comes_before_the_root() {
        let mount = Mount::new(
            "before-root",
            &[
                ("memory.events", "oom_kill 7\n"),
                ("memory.max", "max\n"),
                ("a/memory.events", EVENTS),
                ("a/memory.max", "33554432\n"),
            ],
        );
        let cgroup = MemoryCgroup::find_below(&mount.0, b"0::/a\n").unwrap();
        assert_eq!(cgroup.killed(), Some(2));
        assert_eq!(cgroup.limit(), Some(32 << 20));
    }

    #[test]
    fn without_a_count_there_is_no_cgroup() {
        let old = "oom_kill_disable 0\nunder_oom 0\n";
        let mount = Mount::new("no-count", &[("memory/memory.oom_control", old)]);
        assert!(MemoryCgroup::find_below(&mount.0, b"4:memory:/\n").is_none());
        assert!(MemoryCgroup::find_below(Path::new("/nowhere"), b"0::/\n").is_none());
    }

    #[test]
    fn a_limit_is_a_number_of_bytes_and_below_the_largest() {
        for (content, bytes) in [
            ("33554432\n", Some(32 << 20)),
            ("max\n", None),
            ("9223372036854771712\n", None),
            ("", None),
            ("-1\n", None),
        ] {
            assert_eq!(limit(content.as_bytes()), bytes, "{content:?}");
        }
    }
}
