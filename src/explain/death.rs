//! Why COMMAND died.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::Pid;

use super::elf::Size;
use super::program::cut_off;
use crate::ending::Ending;
use crate::process::Name;
use crate::search::Search;
use crate::signal::Signal;
use crate::sys::cgroup::MemoryCgroup;

/// Bytes of a process's name (PR_SET_NAME, prctl(2)).
const LONGEST_NAME: usize = 15;

/// An end of COMMAND that nobody asked rinit for.
pub struct Death<'a> {
    pub command: &'a OsStr,
    pub pid: Pid,
    /// What it was called at last, which it may have chosen itself.
    pub name: &'a Name,
    pub ending: Ending,
    pub reason: Reason,
}

impl Death<'_> {
    /// Its name, where that is known and not the one of COMMAND's file, of
    /// which the kernel keeps the beginning.
    pub fn alias(&self) -> Option<&[u8]> {
        let file = Path::new(self.command).file_name().unwrap_or_default();
        let name = self.name.bytes();
        let kept = file
            .as_bytes()
            .get(..LONGEST_NAME)
            .unwrap_or(file.as_bytes());
        (!name.is_empty() && name != kept).then_some(name)
    }
}

pub enum Reason {
    /// What the signal commonly means.
    Signal(Signal),
    /// Its file has lost its end.
    CutOff(Size),
    /// The kernel, for want of memory. The limit in bytes, where there is one to be seen.
    OutOfMemory { limit: Option<u64> },
    /// SIGKILL, and the kernel's out-of-memory killer has not struck.
    Killed,
    /// SIGKILL, and whether the out-of-memory killer has struck cannot be seen.
    Unknown,
}

impl Reason {
    /// Why that signal came.
    pub fn of(signal: Signal, search: &Search, memory: Option<&MemoryCgroup>) -> Self {
        match signal.raw() {
            libc::SIGKILL => Self::of_kill(memory),
            libc::SIGSEGV | libc::SIGBUS => {
                cut_off(search).map_or(Self::Signal(signal), Self::CutOff)
            }
            _ => Self::Signal(signal),
        }
    }

    fn of_kill(memory: Option<&MemoryCgroup>) -> Self {
        match memory {
            Some(memory) if memory.has_killed() => Self::OutOfMemory {
                limit: memory.limit(),
            },
            Some(_) => Self::Killed,
            None => Self::Unknown,
        }
    }
}
