//! Why COMMAND died.

use std::ffi::OsStr;

use nix::unistd::Pid;

use crate::outcome::Ending;
use crate::sys::cgroup::MemoryCgroup;

/// An end of COMMAND that nobody asked rinit for.
pub struct Death<'a> {
    pub command: &'a OsStr,
    pub pid: Pid,
    pub ending: Ending,
    /// Who killed, where that was SIGKILL.
    pub killer: Killer,
}

/// Who sends a SIGKILL.
pub enum Killer {
    /// The kernel, for want of memory. The limit in bytes, where it is known.
    OutOfMemory { limit: Option<u64> },
    /// The out-of-memory killer has not struck.
    Somebody,
    /// Whether it has, cannot be seen.
    Unknown,
}

impl Killer {
    pub fn find(cgroup: Option<&MemoryCgroup>) -> Self {
        match cgroup {
            Some(cgroup) if cgroup.has_killed() => Self::OutOfMemory {
                limit: cgroup.limit(),
            },
            Some(_) => Self::Somebody,
            None => Self::Unknown,
        }
    }
}
