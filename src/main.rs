//! Where the C library starts the program, in place of std's own entry, and where its memory comes from.
//!
//! std's aborts where poll fails or /dev/null is missing, opens /dev/null over
//! closed descriptors, and has SIGPIPE ignored.
//!
//! # Safety
//! `main` is called once, by the C library, with the argument vector that the
//! kernel has laid out (execve(2)).
#![no_main]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;

use rinit::Heap;

#[global_allocator]
static HEAP: Heap = Heap::new(rinit::end_without_memory);

#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, arguments: *const *const c_char) -> c_int {
    let mut words = Vec::new();
    let mut next = arguments;
    // SAFETY: the vector ends with a null pointer, and nothing before that is one.
    while let Some(word) = unsafe { next.as_ref() }.filter(|word| !word.is_null()) {
        // SAFETY: each element is a string with its NUL, and lives as long as the process.
        let bytes = unsafe { CStr::from_ptr(*word) }.to_bytes();
        words.push(OsStr::from_bytes(bytes).to_owned());
        // SAFETY: this element was not the last one.
        next = unsafe { next.add(1) };
    }
    rinit::run(words.into_iter()).into()
}
