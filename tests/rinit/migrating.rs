//! The invocations that the READMEs of tini, dumb-init and catatonit show do with rinit what they do with them, and
//! what differs is what README's table says. Each is run with rinit and, where that is installed, with the peer.

mod differences;

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
