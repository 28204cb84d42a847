//! Why COMMAND died.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::unistd::Pid;

use super::elf::Size;
use super::program::cut_off;
use crate::ending::Ending;
use crate::process::Name;
use crate::search::Search;
use crate::signal::Signal;
use crate::sys::cgroup::{Limit, MemoryCgroup};

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
    /// Somebody sent it to rinit, and not to ask for a stop.
    Forwarded,
    /// Perhaps the exec itself: the kernel ends a program thus that does not fit into that many
    /// bytes of address space.
    AddressSpace { limit: u64 },
    /// SIGKILL, and the kernel's out-of-memory killer has struck so many times since the start.
    /// Whether COMMAND was among them its count does not show.
    OutOfMemory { kills: u64, limit: Limit },
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
            libc::SIGSEGV | libc::SIGBUS => match (cut_off(search), address_space()) {
                (Some(size), _) => Self::CutOff(size),
                (None, Some(limit)) if signal.raw() == libc::SIGSEGV => {
                    Self::AddressSpace { limit }
                }
                (None, _) => Self::Signal(signal),
            },
            _ => Self::Signal(signal),
        }
    }

    fn of_kill(memory: Option<&MemoryCgroup>) -> Self {
        let Some(memory) = memory else {
            return Self::Unknown;
        };
        match memory.kills() {
            (0, _) => Self::Killed,
            (kills, limit) => Self::OutOfMemory { kills, limit },
        }
    }
}

/// The limit on COMMAND's address space, which is rinit's own, if there is one.
#[allow(
    clippy::useless_conversion,
    reason = "32-bit machines may have narrower limits"
)]
fn address_space() -> Option<u64> {
    let (limit, _) = getrlimit(Resource::RLIMIT_AS).ok()?;
    (limit != RLIM_INFINITY).then(|| u64::from(limit))
}
