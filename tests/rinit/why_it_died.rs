//! Why COMMAND died is said in one line, unless its end was asked for.

mod memory;
mod program;
mod signal;

use nix::sys::resource::{Resource, setrlimit};

use crate::common::fixture;

/// What is said of a fixture that was killed, beside a rinit that is the first process.
fn killed(how: &str, why: &str, status: i32) -> String {
    let command = fixture();
    let command = command.display();
    format!("rinit: \"{command}\" (pid 2) was killed by {how}: {why}; status {status}\n")
}

/// Before exec: cores of up to that size may be dumped.
fn limit_core(bytes: u64) -> impl FnMut() -> std::io::Result<()> + Send + Sync + 'static {
    move || Ok(setrlimit(Resource::RLIMIT_CORE, bytes, bytes)?)
}
