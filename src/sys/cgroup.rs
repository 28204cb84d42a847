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
    /// The topmost one that can be seen.
    top: PathBuf,
    directory: PathBuf,
    version: Version,
    before: Counts,
}

/// How often the kernel's out-of-memory killer has struck here.
#[derive(Clone, Copy, Default)]
pub struct Counts {
    /// Processes of this cgroup and those below, whatever limit it was for.
    kills: u64,
    /// Only for the limit of this cgroup or of one below. In version 1 also how often that limit
    /// was reached without anybody being killed.
    own: Option<u64>,
}

/// Whose limit the out-of-memory killer has struck for, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Own(u64),
    /// Of a cgroup above.
    Above(u64),
    /// Of a cgroup above that cannot be seen, or there is none and the machine was short.
    Unseen,
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

/// Bytes that may be charged at once, and more.
const CHARGE: u64 = 1 << 20;

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
                let top = mount.join(version.hierarchy());
                let mut cgroup = Self {
                    directory: top.join(path),
                    top,
                    version,
                    before: Counts::default(),
                };
                cgroup.before = cgroup.counts()?;
                Some(cgroup)
            })
    }

    /// Whether the out-of-memory killer had struck before [`MemoryCgroup::find`].
    pub fn had_killed(&self) -> bool {
        self.before.kills > 0
    }

    /// How many the out-of-memory killer has killed since [`MemoryCgroup::find`], and for whose limit.
    pub fn kills(&self) -> (u64, Limit) {
        let now = self.counts().unwrap_or(self.before);
        let is_own = match self.version {
            Version::V1 => self.has_reached_limit(),
            Version::V2 => now.own.is_none_or(|own| self.before.own < Some(own)),
        };
        (
            now.kills.saturating_sub(self.before.kills),
            self.limit(is_own),
        )
    }

    /// Whether the own limit of version 1 may have struck. Its memory.failcnt cannot show that: it
    /// stays 0 on Linux 6.18.
    fn has_reached_limit(&self) -> bool {
        let mut buffer = [0; COUNTS_SIZE];
        let mut value = |name| read(&self.directory, name, &mut buffer).and_then(number);
        let most = value("memory.max_usage_in_bytes");
        let limit = value(self.version.limit());
        most.zip(limit)
            .is_none_or(|(most, limit)| most.saturating_add(CHARGE) >= limit)
    }

    /// The smallest that can be seen. The own one counts where it may have struck.
    fn limit(&self, is_own: bool) -> Limit {
        let directories = self.directory.ancestors();
        let visible = directories.take_while(|directory| directory.starts_with(&self.top));
        let limits = visible.enumerate().filter_map(|(height, directory)| {
            let mut buffer = [0; COUNTS_SIZE];
            let limit = limit(read(directory, self.version.limit(), &mut buffer)?)?;
            Some((limit, height))
        });
        match limits.filter(|(_, height)| is_own || *height > 0).min() {
            Some((limit, 0)) => Limit::Own(limit),
            Some((limit, _)) => Limit::Above(limit),
            None => Limit::Unseen,
        }
    }

    fn counts(&self) -> Option<Counts> {
        let mut buffer = [0; COUNTS_SIZE];
        counts(read(&self.directory, self.version.counts(), &mut buffer)?)
    }
}

fn read<'b>(directory: &Path, name: &str, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    file::read(format_args!("{}/{name}", directory.display()), buffer)
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

/// `None` where the kernel does not count yet (before 4.13).
pub fn counts(file: &[u8]) -> Option<Counts> {
    let count = |name: &[u8]| {
        let mut lines = file.split(|byte| *byte == b'\n');
        number(lines.find_map(|line| line.strip_prefix(name))?)
    };
    Some(Counts {
        kills: count(b"oom_kill ")?,
        own: count(b"oom "),
    })
}

/// Version 2 writes "no limit" as `max`.
pub fn limit(bytes: &[u8]) -> Option<u64> {
    number(bytes).filter(|limit| *limit < NO_LIMIT)
}

fn number(bytes: &[u8]) -> Option<u64> {
    number::parse(std::str::from_utf8(bytes.trim_ascii()).ok()?)
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
            assert_eq!(cgroup.kills(), (0, Limit::Unseen), "{name}");
            mount.write(file, &counts.replace("oom_kill 2", "oom_kill 5"));
            assert_eq!(cgroup.kills(), (3, Limit::Unseen), "{name}");
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
        assert_eq!(cgroup.before.kills, 2);
        assert_eq!(cgroup.limit(true), Limit::Own(32 << 20));
    }

    #[test]
    fn the_limit_is_the_smallest_of_those_that_may_have_struck() {
        let (own_struck, above_struck) = ("oom 4\noom_kill 3\n", "oom 3\noom_kill 3\n");
        for (own, above, counts, limit) in [
            ("64", "48", own_struck, Limit::Above(48)),
            ("48", "64", own_struck, Limit::Own(48)),
            ("48", "max", own_struck, Limit::Own(48)),
            ("48", "48", own_struck, Limit::Own(48)),
            ("48", "64", above_struck, Limit::Above(64)),
            ("48", "max", above_struck, Limit::Unseen),
            ("max", "max", above_struck, Limit::Unseen),
        ] {
            let mount = Mount::new(
                "limits",
                &[
                    ("a/memory.max", above),
                    ("a/b/memory.max", own),
                    ("a/b/memory.events", EVENTS),
                ],
            );
            let cgroup = MemoryCgroup::find_below(&mount.0, b"0::/a/b\n").unwrap();
            mount.write("a/b/memory.events", counts);
            assert_eq!(cgroup.kills(), (1, limit), "{own} {above} {counts}");
        }
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
