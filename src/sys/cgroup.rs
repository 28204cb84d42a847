//! How often the kernel's out-of-memory killer has struck in rinit's cgroup,
//! of version 2 or 1 (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst).

use std::path::{Path, PathBuf};

use crate::number;
use crate::sys::file;

/// Where every distribution and engine mounts it.
const MOUNT: &str = "/sys/fs/cgroup";
/// Bytes: of /proc/self/cgroup with its dozen lines, or of a file of counts.
const FILE_SIZE: usize = 4096;
/// Version 1 writes "no limit" as the largest number of whole pages.
const NO_LIMIT: u64 = 1 << 60;

/// The memory cgroup of the container.
pub struct MemoryCgroup {
    directory: PathBuf,
    version: Version,
    /// The count at the time of [`MemoryCgroup::find`].
    killed_at_first: u64,
}

#[derive(Clone, Copy)]
enum Version {
    V1,
    V2,
}

impl Version {
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
    pub fn find() -> Option<Self> {
        let mut buffer = [0; FILE_SIZE];
        let list = file::read(format_args!("/proc/self/cgroup"), &mut buffer).unwrap_or_default();
        // By its path, or as the root of the container's own view.
        candidates(list)
            .chain([
                (Version::V2, PathBuf::from(MOUNT)),
                (Version::V1, Path::new(MOUNT).join("memory")),
            ])
            .find_map(|(version, directory)| {
                let mut cgroup = Self {
                    directory,
                    version,
                    killed_at_first: 0,
                };
                cgroup.killed_at_first = cgroup.killed()?;
                Some(cgroup)
            })
    }

    /// Whether the out-of-memory killer has struck since the start.
    pub fn has_killed(&self) -> bool {
        self.killed()
            .is_some_and(|killed| killed > self.killed_at_first)
    }

    /// Bytes; `None`: there is no limit here, or none that can be seen.
    pub fn limit(&self) -> Option<u64> {
        let mut buffer = [0; FILE_SIZE];
        let limit = self.read(self.version.limit(), &mut buffer)?;
        let limit = number::parse(std::str::from_utf8(limit.trim_ascii()).ok()?)?;
        (limit < NO_LIMIT).then_some(limit)
    }

    fn killed(&self) -> Option<u64> {
        let mut buffer = [0; FILE_SIZE];
        oom_kills(self.read(self.version.counts(), &mut buffer)?)
    }

    fn read<'b>(&self, name: &str, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        file::read(format_args!("{}/{name}", self.directory.display()), buffer)
    }
}

/// The directories that the lines of /proc/PID/cgroup name (cgroups(7)).
fn candidates(list: &[u8]) -> impl Iterator<Item = (Version, PathBuf)> {
    list.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = std::str::from_utf8(line).ok()?.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let path = path.trim_start_matches('/');
        if controllers.is_empty() {
            Some((Version::V2, Path::new(MOUNT).join(path)))
        } else if controllers.split(',').any(|name| name == "memory") {
            Some((Version::V1, Path::new(MOUNT).join("memory").join(path)))
        } else {
            None
        }
    })
}

fn oom_kills(counts: &[u8]) -> Option<u64> {
    let count = counts
        .split(|byte| *byte == b'\n')
        .find_map(|line| line.strip_prefix(b"oom_kill "))?;
    number::parse(std::str::from_utf8(count).ok()?)
}
