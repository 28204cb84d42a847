//! What `.ci/dist` has made. It takes minutes to do so, hence these tests run only when they are named:
//!
//!     .ci/dist && cargo test --test release

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::output::{assert_order, got};
use common::{Rinit, as_pid1, engine, readme};

/// Architectures as `.ci/dist`, qemu and Debian call them.
const ARCHITECTURES: [[&str; 3]; 7] = [
    ["x86_64", "x86_64", "amd64"],
    ["aarch64", "aarch64", "arm64"],
    ["armv7", "arm", "armhf"],
    ["riscv64", "riscv64", "riscv64"],
    ["i686", "i386", "i386"],
    ["ppc64le", "ppc64le", "ppc64el"],
    ["s390x", "s390x", "s390x"],
];

#[test]
fn the_checksums_are_those_of_all_files() {
    let checksums = fs::read_to_string(file("SHA256SUMS")).expect("checksums");
    let listed: BTreeSet<String> = checksums
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(str::to_owned)
        .collect();
    let mut there: BTreeSet<String> = fs::read_dir(directory())
        .expect("dist")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    there.remove("SHA256SUMS");
    assert_eq!(listed, there);
    print(
        Command::new("sha256sum")
            .args(["--check", "--strict", "SHA256SUMS"])
            .current_dir(directory()),
    );
}

#[test]
fn the_binary_is_small() {
    let size = fs::metadata(file("rinit-x86_64")).expect("a binary").len();
    assert!(size <= 256 * 1024, "{size} bytes");
}

#[test]
fn on_every_architecture_the_status_is_the_commands() {
    on_every_architecture(|rinit| {
        let version = rinit().words("--version").run();
        assert!(version.stdout.starts_with("rinit "), "{version:?}");
        for (script, status) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)] {
            assert_eq!(rinit().script(script).run().status, status, "{script}");
        }
        let orphans = "for i in 1 2 3 4; do (sleep 0.1 & ); done; exit 9";
        assert_eq!(rinit().script(orphans).run().status, 9);
    });
}

#[test]
fn on_every_architecture_what_does_not_start_is_explained() {
    on_every_architecture(|rinit| {
        let ended = rinit().words("no-such-program").run();
        assert_eq!(ended.status, 127, "{ended:?}");
        assert!(ended.stderr.contains("no such program"), "{ended:?}");
        let ended = rinit().words("/etc/passwd").run();
        assert_eq!(ended.status, 126, "{ended:?}");
        assert!(ended.stderr.contains("nobody may execute it"), "{ended:?}");
        let ended = rinit().words("--no-such-option").run();
        assert_eq!(ended.status, 125, "{ended:?}");
        assert!(ended.stderr.contains("--no-such-option"), "{ended:?}");
    });
}

#[test]
fn on_every_architecture_signals_reach_the_group() {
    on_every_architecture(|rinit| {
        let rinit = rinit()
            .words("--rewrite USR1:USR2")
            .fixture("fork record peer , record command")
            .start();
        rinit.ready("command");
        rinit.ready("peer");
        for (sent, arrives) in [(libc::SIGHUP, 1), (libc::SIGUSR1, 12), (40, 40)] {
            rinit.send(sent);
            rinit.says(&format!("command got {arrives} "));
            rinit.says(&format!("peer got {arrives} "));
        }
    });
}

#[test]
fn on_every_architecture_last_words_are_said() {
    on_every_architecture(|rinit| {
        let rinit = rinit()
            .script(r#""$fixture" linger app 15 500 say app-is-done exit 0; echo shell went on"#)
            .start();
        rinit.ready_before_now("app");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        assert_eq!(got(&ended.stdout, "app", 15), 1, "{ended:?}");
        assert_order(&ended.stdout, &["app got 15 ", "app-is-done"]);
    });
}

#[test]
fn debian_finds_no_fault_with_the_packages() {
    for [_, _, debian] in ARCHITECTURES {
        let faults = print(
            Command::new("lintian")
                .args(["--allow-root", "--fail-on=error,warning"])
                .arg(package(debian)),
        );
        assert_eq!(faults, "", "{debian}");
    }
}

#[test]
fn the_package_is_installed_and_removed() {
    let debian = engine::debian().expect("an image of Debian");
    let mount = format!("{}:/dist:ro", directory().display());
    let commands = readme::block("`.ci/dist` makes", "sh");
    let install = commands.strip_prefix(".ci/dist\n").expect("what made it");
    let script = "
        cmp /usr/bin/rinit /dist/rinit-x86_64
        rinit sh -c 'exit 7' || echo status $?
        grep --quiet MIT /usr/share/doc/rinit/copyright
        dpkg --contents /dist/rinit_*_amd64.deb | grep --quiet /usr/share/man/man1/rinit.1.gz
        dpkg --purge rinit >/dev/null
        find / -xdev -iname '*rinit*' -not -path '/proc/*' -not -path '/dist*'";
    let said = engine::docker(&[
        "run",
        "--rm",
        "--volume",
        &mount,
        debian,
        "sh",
        "-ec",
        &format!("{{ {install} }} >/dev/null {script}"),
    ]);
    assert_eq!(said, "status 7");
}

/// As the first process of a namespace: where qemu stands between, the kernel makes no subreaper.
fn on_every_architecture(test: impl Fn(&dyn Fn() -> Rinit)) {
    as_pid1(|role| {
        for [architecture, qemu, _] in ARCHITECTURES {
            let binary = file(&format!("rinit-{architecture}"));
            println!("{architecture}");
            if architecture == std::env::consts::ARCH {
                test(&|| Rinit::program(role, &binary));
            } else {
                let qemu = PathBuf::from(format!("/usr/bin/qemu-{qemu}-static"));
                test(&|| Rinit::program(role, &qemu).arg(&binary));
            }
        }
    });
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist")
}

fn file(name: &str) -> PathBuf {
    directory().join(name)
}

fn package(architecture: &str) -> PathBuf {
    let version = env!("CARGO_PKG_VERSION");
    file(&format!("rinit_{version}-1_{architecture}.deb"))
}

/// What a program that succeeds prints.
fn print(command: &mut Command) -> String {
    let output = command.output().expect("the program");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}\n{output:?}");
    printed
}
