//! The fence: but for the entry in main.rs, everything unsafe is in here, one kernel facility a file.

pub mod cgroup;
pub mod clock;
pub mod descriptors;
pub mod directory;
pub mod environment;
pub mod file;
pub mod heap;
pub mod kill;
pub mod pidfd;
pub mod pipes;
pub mod procfs;
pub mod signals;
pub mod spawn;
pub mod stderr;
pub mod terminal;
pub mod termination_log;
pub mod this_process;
pub mod wait;
