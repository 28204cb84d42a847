//! `--version` names the commit that it is built from, without git.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Directory, skip};

/// What the build script finds in a directory.
fn commit(script: &Path, directory: &Path) -> String {
    let output = Command::new(script)
        .current_dir(directory)
        .env_clear()
        .output()
        .expect("the build script");
    let printed = String::from_utf8(output.stdout).expect("text");
    let (_, commit) = printed
        .split_once("cargo::rustc-env=RINIT_COMMIT=")
        .expect("a commit");
    commit.trim().to_owned()
}

fn build_script(directory: &Path) -> PathBuf {
    let script = directory.join("build-script");
    let status = Command::new("rustc")
        .args(["--edition=2024", "-o"])
        .arg(&script)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/build.rs"))
        .status();
    assert!(status.expect("rustc").success());
    script
}

fn git(directory: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@invalid"])
        .args(words)
        .current_dir(directory)
        .output()
        .expect("git");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn the_build_script_finds_the_commit_in_every_kind_of_checkout() {
    if Command::new("git").arg("--version").output().is_err() {
        skip("there is no git (apt install git)");
        return;
    }
    let directory = Directory::new("commit");
    let script = build_script(directory.path());
    let checkout = directory.path().join("checkout");
    std::fs::create_dir(&checkout).expect("a directory");
    assert_eq!(commit(&script, &checkout), "0000000", "no history");

    git(&checkout, &["init", "--quiet"]);
    assert_eq!(commit(&script, &checkout), "0000000", "no commit yet");
    git(
        &checkout,
        &["commit", "--quiet", "--allow-empty", "-m", "One"],
    );
    let first = git(&checkout, &["rev-parse", "HEAD"])[..7].to_owned();
    assert_eq!(commit(&script, &checkout), first, "a branch");

    git(&checkout, &["worktree", "add", "--quiet", "../worktree"]);
    let worktree = directory.path().join("worktree");
    git(
        &worktree,
        &["commit", "--quiet", "--allow-empty", "-m", "Two"],
    );
    let second = git(&worktree, &["rev-parse", "HEAD"])[..7].to_owned();
    assert_eq!(commit(&script, &worktree), second, "a worktree");

    git(&checkout, &["pack-refs", "--all"]);
    assert_eq!(commit(&script, &checkout), first, "a packed branch");
    assert_eq!(commit(&script, &worktree), second, "packed, in a worktree");
    git(&checkout, &["checkout", "--quiet", &second]);
    assert_eq!(commit(&script, &checkout), second, "no branch");

    let inside = checkout.join("inside");
    std::fs::create_dir(&inside).expect("a directory");
    assert_eq!(commit(&script, &inside), "0000000", "a history around it");
}
