//! Tests that cannot run here: at the end of all tests, one line for each reason says how many. In CI they fail.

use std::collections::BTreeMap;
use std::io::{Write, stderr};
use std::sync::{Mutex, MutexGuard};

static SKIPPED: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Counts a test that cannot run here. The reason says what would let it.
pub fn skip(why: &str) {
    assert!(
        std::env::var_os("CI").is_none_or(|value| value != "true"),
        "cannot run here, and in CI nothing is skipped: {why}"
    );
    let mut skipped = skipped();
    if skipped.is_empty() {
        // SAFETY: the function stays, and unwinds nowhere.
        unsafe { libc::atexit(report) };
    }
    *skipped.entry(why.to_owned()).or_default() += 1;
}

extern "C" fn report() {
    for (why, count) in &*skipped() {
        let _ = writeln!(stderr(), "*** {count} skipped: {why} ***");
    }
}

fn skipped() -> MutexGuard<'static, BTreeMap<String, usize>> {
    SKIPPED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
