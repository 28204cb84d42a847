//! Built for every architecture, rinit does what it does here.

use std::path::PathBuf;

use crate::architectures;
use crate::common::{Rinit, as_pid1, signal};

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
            rinit.says(&format!("command got {} ", signal::name(arrives)));
            rinit.says(&format!("peer got {} ", signal::name(arrives)));
        }
    });
}

#[test]
fn on_every_architecture_last_words_are_said() {
    on_every_architecture(|rinit| rinit().stop_behind_a_shell());
}

/// As the first process of a namespace: where qemu stands between, the kernel makes no subreaper.
fn on_every_architecture(test: impl Fn(&dyn Fn() -> Rinit)) {
    as_pid1(|role| {
        for architecture in architectures() {
            let binary = architecture.binary();
            println!("{}", architecture.name);
            if architecture.name == std::env::consts::ARCH {
                test(&|| Rinit::program(role, &binary));
            } else {
                let qemu = PathBuf::from(format!("/usr/bin/qemu-{}-static", architecture.qemu));
                test(&|| Rinit::program(role, &qemu).arg(&binary));
            }
        }
    });
}
