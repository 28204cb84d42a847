//! What is known of a process.

use nix::unistd::Pid;

use crate::signal::Signals;

/// A process's name, which it may have chosen itself; empty if not known.
pub struct Name {
    bytes: [u8; Name::LONGEST],
    length: usize,
}

impl Name {
    /// Of an ordinary process it is 15 (PR_SET_NAME, prctl(2)), of a thread of the kernel 63.
    const LONGEST: usize = 64;

    pub fn unknown() -> Self {
        Self {
            bytes: [0; Self::LONGEST],
            length: 0,
        }
    }

    /// `read` fills a buffer in, and returns how many bytes it has filled.
    pub fn filled_by(read: impl FnOnce(&mut [u8]) -> Option<usize>) -> Self {
        let mut name = Self::unknown();
        name.length = read(&mut name.bytes).unwrap_or(0);
        name
    }

    /// Without the line feed that ends it in /proc.
    pub fn bytes(&self) -> &[u8] {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        bytes.strip_suffix(b"\n").unwrap_or(bytes)
    }
}

/// By which it can be told whether a signal to its group has reached a process.
#[derive(Clone, Copy, Debug)]
pub struct StartInfo {
    /// When it started: ticks of 10 ms since boot (proc_pid_stat(5)).
    pub started_at: u64,
    pub ignored: Signals,
}

/// A child of rinit's, as a scan found it.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    pub pid: Pid,
    /// In COMMAND's process group.
    pub in_group: bool,
    /// `None` where nobody asked for it, or it cannot be read: the child then
    /// counts as born after every signal.
    pub start_info: Option<StartInfo>,
}
