//! What README's table and the manual say of where rinit differs from its peers, and they from each other.

use super::{PEERS, beside, is_rinit};
use crate::common::{Rinit, proc, wait_until};

#[test]
fn what_the_inits_tell_of_themselves_differs_in_the_stream_alone() {
    for (peer, words, on_stdout) in [
        ("tini", "-h", true),
        ("tini", "-l", true),
        ("tini", "--version", true),
        ("dumb-init", "-h", false),
        ("dumb-init", "--help", false),
        ("dumb-init", "-V", false),
        ("dumb-init", "--version", false),
        ("catatonit", "-h", false),
        ("catatonit", "-L", true),
        ("catatonit", "-V", true),
        ("catatonit", "--version", true),
    ] {
        beside(peer, |role, init| {
            let ended = Rinit::program(role, init).words(words).run();
            assert_eq!(ended.status, 0, "{init:?} {words}");
            let on_stdout = on_stdout || is_rinit(init);
            assert_eq!(!ended.stdout.is_empty(), on_stdout, "{init:?} {words}");
        });
    }
}

#[test]
fn readme_says_which_statuses_differ() {
    for (peer, usage, missing, refused) in [
        ("tini", 1, 127, 126),
        ("dumb-init", 1, 2, 2),
        ("catatonit", 1, 1, 1),
    ] {
        beside(peer, |role, init| {
            let status = |words| Rinit::program(role, init).words(words).run().status;
            let statuses = [
                status("-x"),
                status(""),
                status("-- /nowhere"),
                status("-- /etc/passwd"),
            ];
            let expected = if is_rinit(init) {
                [125, 125, 127, 126]
            } else {
                [usage, usage, missing, refused]
            };
            assert_eq!(statuses, expected, "{init:?}");
        });
    }
}

#[test]
fn readme_says_whom_a_signal_reaches_without_an_option() {
    for peer in ["tini", "catatonit"] {
        beside(peer, |role, init| {
            let rinit = Rinit::program(role, init);
            assert_eq!(rinit.reaches_children(), is_rinit(init), "{init:?}");
        });
    }
}

#[test]
fn readme_says_that_what_is_left_behind_is_waited_for() {
    for peer in PEERS {
        beside(peer, |role, init| {
            // It says its last words a while after the signal that tells it to, or does not come to that.
            let rinit = Rinit::program(role, init)
                .fixture("fork linger left TERM 100 say last-words exit 0 , sleep app")
                .start();
            rinit.ready("left");
            rinit.ready("app");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert_eq!(ended.status, 143, "{init:?}");
            assert_eq!(
                ended.stdout.contains("last-words"),
                is_rinit(init),
                "{init:?}"
            );
        });
    }
}

#[test]
fn the_manual_says_whose_the_words_behind_the_command_are() {
    for (peer, theirs) in [
        ("tini", "its arguments"),
        ("dumb-init", "-- its arguments"),
        ("catatonit", "its arguments"),
    ] {
        beside(peer, |role, init| {
            let echo = Rinit::program(role, init).words("echo -- its arguments");
            let said = echo.run().stdout;
            let expected = if is_rinit(init) {
                "-- its arguments"
            } else {
                theirs
            };
            assert_eq!(said.trim_end(), expected, "{init:?}");
        });
    }
}

#[test]
fn the_manual_says_what_the_command_leads() {
    beside("dumb-init", |role, init| {
        let rinit = Rinit::program(role, init).fixture("sleep app").start();
        let app = rinit.ready("app");
        let session = |pid| nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid)));
        assert_eq!(
            session(app) == session(rinit.pid),
            is_rinit(init),
            "{init:?}"
        );
        assert_eq!(proc::group(app), app, "{init:?}");

        let rinit = Rinit::program(role, init)
            .words("-c")
            .fixture("sleep app")
            .start();
        let app = rinit.ready("app");
        assert_eq!(proc::group(app) == app, is_rinit(init), "{init:?}");
    });
}

#[test]
fn the_manual_says_how_job_control_signals_differ() {
    beside("dumb-init", |role, init| {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            let rinit = Rinit::program(role, init).fixture("sleep app").start();
            let app = rinit.ready("app");
            rinit.send(signal);
            wait_until("the command has stopped", || proc::state(app) == Some('T'));
            rinit.send(libc::SIGCONT);
            wait_until("it goes on", || {
                // dumb-init stops itself behind the command, and may do so behind this signal, too.
                if !is_rinit(init) {
                    rinit.send(libc::SIGCONT);
                }
                proc::state(app) == Some('S')
            });
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, 143, "{init:?}");
        }
    });
}
