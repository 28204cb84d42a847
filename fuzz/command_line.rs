//! The command line and the variables, with signals, durations and all.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rinit::fuzz::command_line(bytes));
