//! The invocations that the READMEs of tini, dumb-init and catatonit show do with rinit what they do with them, and
//! what differs is what README's table says. Each is run with rinit and, where that is installed, with the peer.

use std::path::Path;

use crate::common::{
    Directory, Rinit, Role, as_pid1_and_subreaper, as_subreaper, binary, find_program, fixture,
    proc, role::as_each, signal, skip, wait_until,
};

const PEERS: [&str; 3] = ["tini", "dumb-init", "catatonit"];

#[test]
fn commands_of_the_readmes_run_to_the_same_end() {
    let directory = Directory::new("readmes");
    for (name, content) in [
        ("program", "echo \"program $*\""),
        ("docker-entrypoint.sh", "echo prepared; exec \"$@\""),
    ] {
        directory.executable(name, format!("#!/bin/sh\n{content}\n"));
    }
    let ends = |line: &str, status: i32, said: &str| {
        beside(peer_of(line), |role, init| {
            let ended = typed(role, line, init).directory(directory.path()).run();
            // tini itself says something there, too.
            let lines = ended.stdout.split_inclusive('\n');
            let of_command: String = lines.filter(|line| !line.starts_with('[')).collect();
            let ended = (ended.status, &*of_command);
            assert_eq!(ended, (status, said), "{init:?}: {line}");
        });
    };
    for line in [
        "tini -- ./program -and -its arguments",
        "tini -v -- ./program -and -its arguments",
        "tini -s -- ./program -and -its arguments",
        "TINI_SUBREAPER= tini -- ./program -and -its arguments",
        "tini -g -- ./program -and -its arguments",
        "TINI_KILL_PROCESS_GROUP= tini -- ./program -and -its arguments",
        "tini -w -- ./program -and -its arguments",
        "tini -p SIGTERM -- ./program -and -its arguments",
        "dumb-init ./program -and -its arguments",
        "dumb-init -- ./program -and -its arguments",
        "dumb-init --single-child ./program -and -its arguments",
        "DUMB_INIT_SETSID=0 dumb-init ./program -and -its arguments",
        "dumb-init -v ./program -and -its arguments",
        "DUMB_INIT_DEBUG=1 dumb-init ./program -and -its arguments",
        "dumb-init --rewrite 2:3 -- ./program -and -its arguments",
        "catatonit -- ./program -and -its arguments",
        "catatonit -g -- ./program -and -its arguments",
    ] {
        ends(line, 0, "program -and -its arguments\n");
    }
    for line in [
        "tini -- ./docker-entrypoint.sh ./program",
        "dumb-init -- bash -c 'echo prepared && exec ./program'",
    ] {
        ends(line, 0, "prepared\nprogram \n");
    }
    for line in [
        "dumb-init dumb-init echo 'oh, hi'",
        "dumb-init -c dumb-init -c echo 'oh, hi'",
    ] {
        ends(line, 0, "oh, hi\n");
    }
    for (line, status) in [
        ("tini -e 143 -- sh -c 'exit 143'", 0),
        ("tini -e 143 -e 3 -- sh -c 'exit 3'", 0),
        ("tini -e 143 -- sh -c 'exit 4'", 4),
        ("tini -v -- bash -c 'exit 1'", 1),
        ("tini -vv -- true", 0),
        ("TINI_VERBOSITY=0 tini -- true", 0),
        ("TINI_VERBOSITY=4 tini -- true", 0),
    ] {
        ends(line, status, "");
    }
    let here = directory.path().display();
    ends("tini -vvv -- pwd", 0, &format!("{here}\n"));
}

#[test]
fn a_script_may_name_its_init_in_its_first_line() {
    let directory = Directory::new("first-line");
    beside("dumb-init", |role, init| {
        let script = format!(
            "#!{} /bin/sh\n\
             {} await behind TERM say told exit 0 &\n\
             trap : TERM\n\
             echo ready shell $$\n\
             wait; wait\n",
            init.display(),
            fixture().display()
        );
        let script = directory.executable("web", script);
        let rinit = Rinit::program(role, &script).start();
        rinit.ready("shell");
        rinit.ready("behind");
        rinit.send(libc::SIGTERM);
        rinit.says("told");
        assert_eq!(rinit.end().status, 0, "{init:?}");
    });
}

#[test]
fn signals_go_where_the_options_of_the_peer_send_them() {
    for (peer, words, variable, to_all) in [
        ("tini", "-g", "", true),
        ("tini", "", "TINI_KILL_PROCESS_GROUP", true),
        ("catatonit", "-g", "", true),
        ("dumb-init", "", "", true),
        ("dumb-init", "-c", "", false),
        ("dumb-init", "--single-child", "", false),
        ("dumb-init", "", "DUMB_INIT_SETSID", false),
    ] {
        beside(peer, |role, init| {
            let rinit = Rinit::program(role, init).words(words);
            let rinit = match variable {
                "" => rinit,
                name => rinit.env(name, "0"),
            };
            assert_eq!(
                rinit.reaches_children(),
                to_all,
                "{init:?} {words} {variable}"
            );
        });
    }
}

#[test]
fn signals_are_rewritten_as_the_peer_does() {
    for (words, sent, arrives) in [
        ("--rewrite 15:3", 15, 3),
        ("-r 15:3", 15, 3),
        ("--rewrite 2:3", 2, 3),
        ("-r 1:2 -r 15:10", 15, 10),
        // Dropped, so that the next one is the first to arrive.
        ("--rewrite 15:0", 15, 12),
    ] {
        beside("dumb-init", |role, init| {
            let rinit = Rinit::program(role, init)
                .words(words)
                .fixture("record app")
                .start();
            rinit.ready("app");
            rinit.send(sent);
            rinit.wait_until_taken();
            rinit.send(12);
            let line = rinit.says("app got ");
            assert!(
                line.starts_with(&format!("app got {} ", signal::name(arrives))),
                "{init:?} {words}: {line}"
            );
        });
    }
}

#[test]
fn a_program_that_handles_no_signal_ends_by_it() {
    let sleep = "sleep 10";
    let spin = "sh -c while :; do :; done";
    for (line, running, signal) in [
        ("tini -g -- sh -c 'sleep 10'", sleep, libc::SIGINT),
        ("dumb-init sh -c 'while :; do :; done'", spin, libc::SIGTERM),
        ("catatonit -- sleep 10", sleep, libc::SIGTERM),
    ] {
        beside(peer_of(line), |role, init| {
            let rinit = typed(role, line, init).start();
            wait_until("the program runs", || {
                let below = proc::descendants(rinit.pid).into_iter();
                below
                    .filter_map(proc::command_line)
                    .any(|line| line == running)
            });
            rinit.send(signal);
            assert_eq!(rinit.end().status, 128 + signal, "{init:?}: {line}");
        });
    }
}

#[test]
fn the_death_of_the_parent_is_announced_by_the_signal_that_the_option_names() {
    beside("tini", |role, init| {
        if role == Role::Pid1 {
            let rinit = Rinit::program(role, init).words("-p SIGUSR2");
            let mut rinit = rinit.fixture("record app").start();
            rinit.ready("app");
            rinit.outside.kill().expect("the init's parent lives");
            rinit.says("app got USR2 ");
        }
    });
}

#[test]
fn orphans_come_to_the_init_beside_process_1_where_they_come_to_the_peer() {
    let adopts = |role, init: &Path, words: &str, variable: &str| {
        let rinit = Rinit::program(role, init).words(words);
        let rinit = match variable {
            "" => rinit,
            name => rinit.env(name, ""),
        };
        let rinit = rinit.fixture("orphan sleep left , sleep app").start();
        proc::parent(rinit.ready("left")) == rinit.pid
    };
    for (peer, words, variable, expected) in [
        ("tini", "", "", false),
        ("tini", "-s", "", true),
        ("tini", "", "TINI_SUBREAPER", true),
        ("dumb-init", "", "", false),
        ("catatonit", "", "", true),
    ] {
        as_subreaper(|role| {
            assert!(adopts(role, &binary(), words, variable));
        });
        with_peer(peer, Role::Subreaper, |role, init| {
            assert_eq!(
                adopts(role, init, words, variable),
                expected,
                "{init:?} {words}"
            );
        });
    }
}

#[test]
fn a_pause_ends_at_a_stop_signal() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        beside("catatonit", |role, init| {
            let rinit = Rinit::program(role, init).words("-P").start();
            // Before, the signal might find a process that does not wait for it yet.
            proc::wait_until_idle(rinit.pid);
            rinit.send(signal);
            assert_eq!(rinit.end().status, 0, "{init:?}");
        });
    }
}

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
fn readme_says_whose_the_words_behind_the_command_are() {
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
fn readme_says_what_the_command_leads() {
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
fn readme_says_how_job_control_signals_differ() {
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

/// Runs a check with rinit, and as process 1 with the peer.
fn beside(peer: &str, check: impl Fn(Role, &Path)) {
    as_pid1_and_subreaper(|role| check(role, &binary()));
    with_peer(peer, Role::Pid1, &check);
}

fn with_peer(peer: &str, role: Role, check: impl Fn(Role, &Path)) {
    match find_program(peer) {
        Some(path) => as_each(&[role], |role| check(role, &path)),
        None => skip(&format!("{peer} is not installed: apt install {peer}")),
    }
}

fn is_rinit(init: &Path) -> bool {
    init == binary()
}

fn peer_of(line: &str) -> &str {
    let mut words = line.split(' ');
    let is_peer = |word: &&str| PEERS.contains(word);
    words.find(is_peer).expect("a line with a peer in it")
}

/// What somebody types, with this init in the place of the peer.
fn typed(role: Role, line: &str, init: &Path) -> Rinit {
    let init = init.to_str().expect("a path in UTF-8");
    let words = line.split(' ');
    let words = words.map(|word| if word == peer_of(line) { init } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    let shell = Rinit::program(role, Path::new("sh"));
    shell.words("-c").arg(format!("exec env {line}"))
}
