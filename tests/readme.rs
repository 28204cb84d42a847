//! README's commands do what it says. The recipes and the image of the
//! example have tests of their own.

use std::process::Command;

use common::binary;

mod common;

/// The first block of that kind behind a line.
fn block<'a>(readme: &'a str, behind: &str, kind: &str) -> &'a str {
    let (_, rest) = readme.split_once(behind).expect("the line");
    let (_, block) = rest.split_once(&format!("```{kind}\n")).expect("a block");
    block.split_once("```").expect("the block's end").0
}

#[test]
fn the_first_command_shows_the_main_job() {
    let readme = include_str!("../README.md");
    let command = block(readme, "## Two commands", "sh");
    let shown = block(readme, "## Two commands", "text");

    let arguments = command
        .strip_prefix("cargo run --release --")
        .expect("what cargo would build and run");
    let line = format!("exec 2>&1; '{}' {arguments}", binary().display());
    let output = Command::new("sh").args(["-c", &line]).output().expect("sh");

    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(by_no_pid(&printed), by_no_pid(shown));
    assert_eq!(output.status.code(), Some(143));
}

/// The lines without the pid, which differs each time. The first two, rinit's
/// and the application's, come in any order.
fn by_no_pid(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| line.chars().filter(|c| !c.is_ascii_digit()).collect())
        .collect();
    lines[..2].sort();
    lines
}
