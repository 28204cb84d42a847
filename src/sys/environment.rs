//! The environment as the kernel has laid it out (environ(7)).
//!
//! # Safety
//! `environ` is read before any other thread could exist, and nothing in rinit
//! changes it.
#![allow(unsafe_code, reason = "std's would be a copy")]

use std::ffi::{CStr, c_char};

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The variables, and the null that ends them.
pub fn envp() -> *const *const c_char {
    // SAFETY: see above.
    unsafe { environ }
}

/// Each as `NAME=VALUE`.
pub fn variables() -> impl Iterator<Item = &'static CStr> {
    let mut next = envp();
    std::iter::from_fn(move || {
        // SAFETY: the vector, if there is one, ends with a null pointer.
        let variable = unsafe { next.as_ref() }.filter(|variable| !variable.is_null())?;
        // SAFETY: what is not that null is a string with its NUL, and another element follows.
        unsafe {
            next = next.add(1);
            Some(CStr::from_ptr(*variable))
        }
    })
}
