//! Why COMMAND did not start, and why it died. Worked out only when it has
//! happened: a start that works costs nothing.
//!
//! The files may be hostile, and rinit may be root: only a bounded part of regular
//! files is read, and nothing waits.

mod arch;
mod c_library;
mod cause;
pub mod death;
mod elf;
pub mod entrypoint;
pub mod env;
mod file;
mod format;
pub mod holdup;
mod missing;
mod permission;
pub mod program;
mod shell_word;
mod source;
mod start;

pub use arch::Arch;
pub use c_library::Libc;
pub use cause::{Cause, Failure, Hint};
pub use death::{Death, Reason};
pub use elf::Size;
pub use format::{Archive, System};
pub use shell_word::ShellWord;
pub use start::why_not_started;
