//! The exit statuses that are rinit's own; all others are COMMAND's.

/// rinit itself could not do its work: wrong usage, or no process to be had.
pub const FAILED: u8 = 125;
/// COMMAND was found but could not be run.
pub const CANNOT_RUN: u8 = 126;
/// COMMAND was not found.
pub const NOT_FOUND: u8 = 127;
/// What a shell adds to the number of the signal that killed a process.
pub const SIGNAL_BASE: u8 = 128;
