//! Searching bytes for others (memmem(3)).
//!
//! # Safety
//! The call is given two slices with their lengths, and only reads them.
#![allow(unsafe_code, reason = "std searches texts alone, and not bytes")]

/// Whether `wanted` is somewhere in `bytes`. Takes time in proportion to their length.
pub fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    // SAFETY: see above.
    let place = unsafe {
        libc::memmem(
            bytes.as_ptr().cast(),
            bytes.len(),
            wanted.as_ptr().cast(),
            wanted.len(),
        )
    };
    !place.is_null()
}
