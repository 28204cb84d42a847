//! Gives the compiler the git commit that `--version` names.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/logs/HEAD");
    println!("cargo::rustc-env=RINIT_COMMIT={}", commit());
}

/// The commit's first seven digits; zeros where there is no git history, so
/// that whoever reads `--version` still finds a commit in its place. A history
/// around the sources, of which they are no part, is not theirs.
fn commit() -> String {
    let none = "0000000".to_owned();
    if !Path::new(".git").exists() {
        return none;
    }
    Command::new("git")
        .args(["rev-parse", "--short=7", "HEAD"])
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or(none, |commit| commit.trim().to_owned())
}
