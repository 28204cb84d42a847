//! What README says of rinit's security.

use std::collections::BTreeSet;
use std::process::Command;

use crate::common::strace::{self, Traced};
use crate::common::{Rinit, as_pid1, signal};

#[test]
fn no_signal_from_the_container_ends_or_stops_process_1() {
    as_pid1(|role| {
        // The command itself blocks whatever can be blocked.
        let all: String = (1..=64)
            .map(|number| format!("raise {} ", signal::name(number)))
            .collect();
        let rinit = Rinit::new(role)
            .fixture(&format!("await command USR1 {all} {all} exit 42"))
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGUSR1);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

/// Calls that would reach out, or ask for rights.
const UNWANTED: [&str; 16] = [
    "accept",
    "bind",
    "capset",
    "connect",
    "listen",
    "mount",
    "ptrace",
    "sendmsg",
    "sendto",
    "setgid",
    "setgroups",
    "setresuid",
    "setuid",
    "socket",
    "unlink",
    "unshare",
];

#[test]
fn rinit_opens_no_connection_writes_no_file_and_asks_for_no_right() {
    let drain = "-t 0.05 -w -vvv -- FIXTURE into STARTED orphan session sleep left , exit 3";
    strace::as_pid1_and_subreaper(|role| {
        for words in [drain, "-- FIXTURE exit 127", "-- nowhere-to-be-found"] {
            let trace = Traced {
                name: "security",
                role,
                on_terminal: false,
                words,
                before: "",
            }
            .run("");
            for call in trace.calls() {
                assert!(!UNWANTED.contains(&call.name.as_str()), "{}", trace.log);
            }
            let opened = trace.log.lines().filter(|line| line.contains("openat("));
            for line in opened {
                let is_read = line.contains("O_RDONLY") || line.contains("O_PATH");
                let is_device = ["/dev/null", "/dev/tty"]
                    .iter()
                    .any(|device| line.contains(device));
                assert!(is_read || is_device, "{line}");
            }
        }
    });
}

#[test]
fn the_dependencies_are_those_of_readme() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("**Dependencies.**").expect("the section");
    let (section, _) = section.split_once("\n\n").expect("its end");
    let (count, list) = section.split_once(" pins: ").expect("a list");
    let named: BTreeSet<String> = list
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    let mut used: BTreeSet<String> = tree("normal").into_iter().map(|(name, _)| name).collect();
    used.remove("rinit");
    assert_eq!(used, named);
    assert!(count.contains("Twelve") && used.len() == 12, "{count}");
}

#[test]
fn every_licence_is_mit_or_apache() {
    for (name, licence) in tree("normal,build,dev") {
        let mut alternatives = licence.split([' ', '/']);
        let is_free = alternatives.any(|licence| ["MIT", "Apache-2.0"].contains(&licence));
        assert!(is_free && !licence.contains("AND"), "{name}: {licence}");
    }
}

/// The packages that the binary is made of, or its tests too, with their licences.
fn tree(edges: &str) -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--prefix=none",
            "--edges",
            edges,
        ])
        .args(["--format", "{p} {l}"])
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).expect("text");
    let package = |line: &str| {
        let (name, rest) = line.split_once(' ').expect("a name");
        // The version, where it is from if that is a directory, and marks of what was listed before.
        let rest = rest.trim_end_matches(" (*)");
        let licence = rest.split_once(' ').map_or("", |(_, licence)| licence);
        let licence = licence
            .rsplit_once(") ")
            .map_or(licence, |(_, licence)| licence);
        (name.to_owned(), licence.to_owned())
    };
    lines.lines().map(package).collect()
}
