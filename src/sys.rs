//! The fence: everything unsafe is in here, one kernel facility a file.

pub mod cgroup;
pub mod clock;
pub mod descriptors;
pub mod directory;
#[cfg(not(any(test, fuzzing)))]
mod entry;
pub mod environment;
pub mod file;
#[cfg(not(any(test, fuzzing)))]
mod heap;
pub mod inbox;
pub mod kill;
pub mod pidfd;
pub mod proc;
pub mod process;
pub mod reap;
pub mod spawn;
pub mod stderr;
pub mod terminal;
