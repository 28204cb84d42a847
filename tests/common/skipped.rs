//! Tests that cannot run here: at the end of all tests, one line for each reason says how many. In CI they fail.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Write, stderr};
use std::sync::{Mutex, MutexGuard};
use std::thread;

/// The tests by reason.
static SKIPPED: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// Notes that the calling test cannot run here. The reason says what would let it.
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
    // Each test has a thread, of its name.
    let test = thread::current().name().unwrap_or_default().to_owned();
    skipped.entry(why.to_owned()).or_default().insert(test);
}

extern "C" fn report() {
    for (why, tests) in &*skipped() {
        let _ = writeln!(stderr(), "*** {} skipped: {why} ***", tests.len());
    }
}

fn skipped() -> MutexGuard<'static, BTreeMap<String, BTreeSet<String>>> {
    SKIPPED
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
