//! The parts that sentences are made of.

use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;

use nix::unistd::Pid;

use super::escaped::Escaped;
use crate::explain::Arch;
use crate::outcome::Ending;
use crate::sys::proc::Name;

/// Some processes by name, and how many more there are.
pub struct Names<'a> {
    pub named: &'a [(Pid, Name)],
    pub others: usize,
}

impl Display for Names<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let mut separator = "";
        for (pid, name) in self.named {
            write!(f, "{separator}{}", Process(*pid, name))?;
            separator = ", ";
        }
        match (self.named.len(), self.others) {
            (0, 0) => f.write_str("processes that cannot be seen"),
            (0, others) => write!(f, "{others} processes"),
            (_, 0) => Ok(()),
            (_, others) => write!(f, " and {others} more"),
        }
    }
}

/// `pid 12 (sh)`
pub struct Process<'a>(pub Pid, pub &'a Name);

impl Display for Process<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "pid {}", self.0)?;
        match self.1.bytes() {
            [] => Ok(()),
            name => write!(f, " ({})", Escaped(name)),
        }
    }
}

/// How a process ended, as a predicate.
pub struct How(pub Ending);

impl Display for How {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.0 {
            Ending::Exited(code) => write!(f, "exited with status {code}"),
            Ending::Killed {
                by,
                core_dumped: false,
            } => write!(f, "was killed by {by}"),
            Ending::Killed {
                by,
                core_dumped: true,
            } => write!(f, "was killed by {by} and dumped core"),
        }
    }
}

/// A word of the user's, in double quotes.
pub struct Quoted<'a>(pub &'a OsStr);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0.as_bytes()))
    }
}

/// An architecture, `arm64 (aarch64)`.
pub struct Named(pub Arch);

impl Display for Named {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Arch { docker, kernel } = self.0;
        match docker {
            Some(docker) if docker != kernel => write!(f, "{docker} ({kernel})"),
            _ => f.write_str(kernel),
        }
    }
}

/// A number of bytes in the largest unit that makes it a whole number.
pub struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        for (size, unit) in UNITS {
            if let (Some(0), Some(count)) = (self.0.checked_rem(size), self.0.checked_div(size)) {
                return write!(f, "{count} {unit}");
            }
        }
        write!(f, "{} bytes", self.0)
    }
}
