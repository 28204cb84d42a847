//! A file that the kernel refuses to run, for each reason that it may give.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rinit::fuzz::file(bytes));
