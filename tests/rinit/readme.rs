//! README's commands do what it says. The recipes and the image of the
//! example have tests of their own.

use std::fs;
use std::process::Command;

use crate::common::before_exec::{bind, hide};
use crate::common::cgroup::Mount;
use crate::common::elf_samples::{self, Machine};
use crate::common::readme::{self, block};
use crate::common::{Directory, Rinit, as_pid1, binary, skip};

#[test]
fn the_first_command_shows_the_main_job() {
    let command = block("## Two commands", "sh");
    let shown = block("## Two commands", "text");

    let arguments = command
        .strip_prefix("cargo run --release --")
        .expect("what cargo would build and run");
    let line = format!("exec 2>&1; '{}' {arguments}", binary().display());
    let output = Command::new("sh").args(["-c", &line]).output().expect("sh");

    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(by_no_pid(&printed), by_no_pid(shown));
    assert_eq!(output.status.code(), Some(143));
}

#[test]
fn without_rinit_the_last_words_do_not_come() {
    let command = block("the shell has ended: this prints", "sh");
    let run = |command: &str| {
        let output = Command::new("sh").args(["-c", command]).output();
        let output = output.expect("sh");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), printed)
    };
    let (namespaces, rest) = command.split_once(" sh -c ").expect("a shell");
    if !run(&format!("{namespaces} true")).0 {
        skip("user namespaces are not to be had");
        return;
    }
    assert_eq!(run(command), (true, "working\n".to_owned()));
    let with_rinit = format!("{namespaces} '{}' sh -c {rest}", binary().display());
    assert_eq!(run(&with_rinit), (true, "working\nlast words\n".to_owned()));
}

#[test]
fn what_it_says_is_what_is_shown() {
    if !cfg!(target_arch = "x86_64") {
        skip("what is shown is of another machine");
        return;
    }
    let arm64 = Machine {
        number: 183,
        bits: 64,
        is_little_endian: true,
    };
    // Once rinit waits, it has noted how many had been killed.
    let out_of_memory = "until grep -q '^State:.S' /proc/1/status; do :; done; \
                         echo oom_kill 1 >/sys/fs/cgroup/memory.events";
    let situations: [(&str, &str, Vec<u8>); 6] = [
        ("./app", "app", elf_samples::elf(arm64, &[])),
        (
            "./app",
            "app",
            elf_samples::with_loader("/lib/ld-musl-x86_64.so.1"),
        ),
        ("./entry.sh", "entry.sh", b"#!/bin/sh\r\n".to_vec()),
        ("App", "app", b"#!/bin/sh\n".to_vec()),
        (
            "./app",
            "app",
            format!("#!/bin/sh\n{out_of_memory}\nkill -9 $$").into(),
        ),
        ("./app", "app", b"#!/bin/sh\nkill -PIPE $$".to_vec()),
    ];
    as_pid1(|role| {
        let said = situations.iter().map(|(command, name, content)| {
            let directory = Directory::new("what-it-says");
            directory.executable(name, content);
            let cgroup = Mount::new(
                "what-it-says-cgroup",
                &[
                    ("memory.events", "oom_kill 0\n"),
                    ("memory.max", "536870912\n"),
                ],
            );
            let ended = Rinit::new(role)
                // The loader of Debian's musl leads there.
                .before_exec(|| hide("/lib/x86_64-linux-musl").or(Ok(())))
                .directory(directory.path())
                .env("PATH", "/usr/local/bin:/usr/bin:/bin")
                .before_exec(bind(directory.path(), "/usr/local/bin"))
                .before_exec(cgroup.bind())
                .arg(command)
                .run();
            ended.stderr
        });
        let said: String = said.collect();
        let shown = block("## What it says", "text");
        assert_eq!(said, shown);
    });
}

#[test]
fn the_recipes_have_the_options_that_were_measured() {
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/software/programs");
    for entry in fs::read_dir(programs).expect("the programs") {
        let path = entry.expect("a program").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("a program's file");
        // Such as `# exec stop TERM -c`; that is what was measured beside no option.
        let forms = ["# exec ", "# script ", "# terminal "];
        let is_head = |line: &&str| forms.iter().any(|form| line.starts_with(form));
        let mut heads = text.lines().take_while(is_head);
        let option = heads.find_map(|head| head.splitn(5, ' ').nth(4));
        let cell = option.map_or("| none |".to_owned(), |option| format!("| `{option}` |"));
        let mut rows = readme::TEXT.lines().filter(|line| line.contains(&cell));
        let name = format!("`{name}`");
        assert!(rows.any(|row| row.contains(&name)), "{name} {cell}");
    }
}

#[test]
fn readme_is_read_to_its_end() {
    let lines = readme::TEXT.lines().count();
    assert!(lines < 350, "{lines} lines");
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
