//! Files of /proc and of cgroups, which hold names that processes chose.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rinit::fuzz::kernel_files(bytes));
