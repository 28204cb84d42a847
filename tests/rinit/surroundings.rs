//! Bare and hostile surroundings, and commands that make it hard, neither end rinit nor hold it up.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use crate::common::cgroup::Limit;
use crate::common::output::got;
use crate::common::rinit::hide;
use crate::common::seccomp::refuse;
use crate::common::{
    Directory, Ended, Rinit, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, binary, fixture,
    proc, signal, skip, strace, terminal, wait_until,
};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Uid, pipe2, setresuid};

/// More than a terminal takes, at a line each.
const MANY: usize = 500;
/// Enough for what is full from the start.
const SOME: usize = 10;

#[test]
fn a_terminal_that_nobody_reads_holds_nobody_up() {
    as_pid1_and_subreaper(|role| {
        let (screen, terminal) = terminal::open();
        say_much(Rinit::new(role).stderr(terminal), MANY);
        drop(screen);
    });
}

#[test]
fn a_pipe_that_nobody_reads_holds_nobody_up() {
    as_pid1_and_subreaper(|role| {
        for prepare in WAYS_TO_WRITE {
            let (reader, writer) = full_pipe();
            let rinit = Rinit::new(role).stderr(writer).before_exec(prepare);
            say_much(rinit, SOME);
            drop(reader);
        }
    });
}

#[test]
fn a_socket_that_nobody_reads_holds_nobody_up() {
    as_pid1_and_subreaper(|role| {
        for prepare in WAYS_TO_WRITE {
            let (reader, writer) = full_socket();
            let rinit = Rinit::new(role).stderr(writer).before_exec(prepare);
            say_much(rinit, SOME);
            drop(reader);
        }
    });
}

/// Before exec: what leaves rinit with each of the ways it has to write.
const WAYS_TO_WRITE: [fn() -> io::Result<()>; 3] = [
    || Ok(()),
    // Before Linux 6.5 it does so for no pipe.
    || refuse(&[libc::SYS_pwritev2], libc::EOPNOTSUPP),
    || {
        hide("/proc")?;
        refuse(&[libc::SYS_pwritev2], libc::ENOSYS)
    },
];

/// Where poll(2) finds room, somebody else may take that before the write, which then waits for as long as nobody reads.
#[test]
fn rinit_does_not_write_into_what_may_be_full_in_a_way_that_waits() {
    if !strace::is_there() {
        return;
    }
    as_pid1_and_subreaper(|role| {
        for prepare in &WAYS_TO_WRITE[..2] {
            let (reader, writer) = full_pipe();
            assert_never_waits(Rinit::new(role).stderr(writer).before_exec(prepare));
            drop(reader);
            let (screen, terminal) = terminal::open();
            assert_never_waits(Rinit::new(role).stderr(terminal).before_exec(prepare));
            drop(screen);
            let (reader, writer) = full_socket();
            assert_never_waits(Rinit::new(role).stderr(writer).before_exec(prepare));
            drop(reader);
        }
    });
}

fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
    fill(&writer);
    (reader, writer)
}

fn full_socket() -> (UnixStream, OwnedFd) {
    let (reader, writer) = UnixStream::pair().expect("sockets");
    let writer = OwnedFd::from(writer);
    fill(&writer);
    (reader, writer)
}

fn fill(file: &OwnedFd) {
    let set = |flags| fcntl(file, FcntlArg::F_SETFL(flags)).expect("flags");
    set(OFlag::O_NONBLOCK);
    while nix::unistd::write(file, &[0; 4096]).is_ok() {}
    set(OFlag::empty());
}

fn assert_never_waits(rinit: Rinit) {
    let rinit = rinit.words("-vv").fixture("record command").start();
    rinit.ready("command");
    let directory = Directory::new("strace");
    let log = directory.path().join("log");
    let calls = "strace -e trace=pwritev2,?poll,?ppoll,write,openat -e signal=none -o";
    let mut strace = strace::attach(&format!("{calls} {}", log.display()), rinit.pid);
    rinit.send(libc::SIGUSR1);
    rinit.says("command got USR1 ");
    drop(rinit);
    strace.wait().expect("its end");
    let calls = std::fs::read_to_string(log).expect("what strace saw");
    let is_made = |call: &str| calls.lines().any(|line| line.contains(call));
    assert!(is_made("pwritev2(2, "), "{calls}");
    for call in ["poll(", "write(2, "] {
        assert!(!is_made(call), "{calls}");
    }
}

/// Has rinit say a line for each of so many signals, and forward them all the same.
fn say_much(rinit: Rinit, lines: usize) {
    let rinit = rinit.words("-vv").fixture("record command").start();
    rinit.ready("command");
    for _ in 0..lines {
        rinit.send(libc::SIGUSR1);
        rinit.wait_until_taken();
    }
    rinit.send(64);
    rinit.says("command got RTMIN+30 ");
}

#[test]
fn six_megabytes_of_address_space_are_enough() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .before_exec(|| Ok(setrlimit(Resource::RLIMIT_AS, 6 << 20, 6 << 20)?))
            .words("-vvv")
            .fixture("sleepers 200 say ready until-eof exit 42")
            .start();
        rinit.says("ready");
        drop(rinit.stdin.take());
        assert_eq!(rinit.end().status, 42);
    });
}

#[test]
fn where_there_is_no_memory_to_start_with_that_is_said() {
    as_pid1_and_subreaper(|role| {
        // Room for the program itself, and not for its words, which it copies.
        let mut rinit = Rinit::new(role)
            .before_exec(|| Ok(setrlimit(Resource::RLIMIT_DATA, 1 << 20, 1 << 20)?))
            .fixture("say started");
        for _ in 0..12 {
            rinit = rinit.arg("x".repeat(100_000));
        }
        let ended = rinit.run();
        assert_eq!((ended.status, &*ended.stdout), (125, ""), "{ended:?}");
        assert!(ended.stderr.contains("cannot get memory"), "{ended:?}");
    });
}

#[test]
fn no_more_memory_than_at_the_start_is_needed() {
    as_pid1_and_subreaper(|role| {
        for (words, status) in [
            ("sleepers 2000 say ready until-eof exit 42", 42),
            // Which has rinit look for a reason.
            ("say ready until-eof exit 127", 127),
            ("say ready until-eof die KILL", 137),
        ] {
            let mut rinit = Rinit::new(role).words("-vvvw").fixture(words).start();
            rinit.says("ready");
            proc::wait_until_idle(rinit.pid);
            for resource in [libc::RLIMIT_AS, libc::RLIMIT_DATA, libc::RLIMIT_STACK] {
                proc::limit(rinit.pid, resource, 0);
            }
            drop(rinit.stdin.take());
            assert_eq!(rinit.end().status, status, "{words}");
        }
    });
}

#[test]
fn rinit_outlives_what_the_kernel_kills_for_want_of_memory() {
    // Shared by three, it leaves each of them far more than rinit has: the largest is killed.
    let Some(limit) = Limit::memory("surroundings", 64 << 20) else {
        return;
    };
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .before_exec(limit.entry())
            .words("-w")
            .fixture("orphan hog , orphan hog , orphan hog , say ready until-eof exit 42")
            .start();
        rinit.says("ready");
        wait_until("all that took memory are reaped", || {
            rinit.stderr.text().matches("SIGKILL").count() == 3
        });
        drop(rinit.stdin.take());
        assert_eq!(rinit.end().status, 42);
    });
}

#[test]
fn a_user_whom_nobody_knows_is_served() {
    as_pid1_and_subreaper(|role| {
        // Without a map, all users are strangers in there.
        let rinit = Rinit::new(role)
            .before_exec(|| Ok(unshare(CloneFlags::CLONE_NEWUSER)?))
            .fixture("orphan sleep left , await command TERM exit 42")
            .start();
        rinit.ready("left");
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

#[test]
fn a_command_that_runs_as_its_files_owner_is_signalled_and_reaped() {
    as_a_user_who_becomes_root("signalled", |rinit, set_uid| {
        let rinit = rinit
            .arg(set_uid)
            .words("await command TERM exit 42")
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

#[test]
fn what_rinit_may_not_kill_does_not_hold_it_up() {
    as_a_user_who_becomes_root("spared", |rinit, set_uid| {
        let mut rinit = rinit
            .words("-t 0.1")
            .arg(set_uid)
            .words("orphan user 0 sleep left , until-eof exit 42")
            .start();
        rinit.ready("left");
        drop(rinit.stdin.take());
        let ended = rinit.outside.wait().expect("a child of ours");
        assert_eq!(ended.code(), Some(42));
        let said = rinit.stderr.text();
        assert_eq!(said.matches("cannot send").count(), 1, "{said}");
    });
}

/// Runs a test with a user's rinit, and with a fixture that is root whoever starts it. Both are copies, since the
/// user may not be able to enter the directory that they are built in.
fn as_a_user_who_becomes_root(name: &str, test: impl Fn(Rinit, &Path) + Sync) {
    if !Uid::effective().is_root() {
        skip("only root can make a program that runs as another user");
        return;
    }
    as_pid1_and_subreaper_at_once(|role| {
        let directory = Directory::new(&format!("{name}-{role:?}"));
        let program = directory.path().join("fixture");
        // By another process: a file cannot be run that some process here might still write.
        let installed = Command::new("install")
            .args(["--mode", "4755"])
            .args([&fixture(), &program])
            .status();
        assert!(installed.is_ok_and(|status| status.success()));
        let rinit = directory.copy(&binary(), "rinit");
        test(
            Rinit::program(role, &rinit).before_exec(become_user),
            &program,
        );
    });
}

/// Without any capability.
fn become_user() -> io::Result<()> {
    let user = Uid::from_raw(1234);
    Ok(setresuid(user, user, user)?)
}

#[test]
fn a_command_that_is_traced_keeps_its_status() {
    strace::as_pid1_and_subreaper(|role| {
        for tracer_dies in [false, true] {
            let rinit = Rinit::new(role)
                .fixture("orphan sleep left , await command USR1 exit 42")
                .start();
            rinit.ready("left");
            let command = rinit.ready("command");
            let mut tracer = strace::attach("strace -f -o /dev/null", command);
            if tracer_dies {
                tracer.kill().expect("it runs");
                tracer.wait().expect("a child of ours");
            }
            rinit.send(libc::SIGUSR1);
            assert_eq!(rinit.end().status, 42);
            tracer.wait().expect("a child of ours");
        }
    });
}

#[test]
fn a_rinit_that_was_stopped_and_continued_goes_on() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role).fixture("record command").start();
        let command = rinit.ready("command");
        for number in [libc::SIGUSR1, libc::SIGUSR2] {
            rinit.send(libc::SIGSTOP);
            wait_until("rinit is stopped", || proc::is_stopped(rinit.pid));
            rinit.send(number);
            rinit.send(libc::SIGCONT);
            rinit.says(&format!("command got {} ", signal::name(number)));
        }
        signal::send(command, libc::SIGKILL).expect("it lives");
        assert_eq!(rinit.end().status, 137);
    });
}

#[test]
fn a_command_that_becomes_another_program_is_signalled_and_its_status_kept() {
    as_pid1_and_subreaper(|role| {
        let other = fixture().display().to_string();
        let rinit = Rinit::new(role)
            .fixture(&format!(
                "exec {other} exec {other} await command TERM exit 42"
            ))
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

#[test]
fn rinits_under_rinits_pass_everything_on_and_ask_nobody_twice() {
    as_pid1_and_subreaper(|role| {
        let inner = binary().display().to_string();
        let rinit = Rinit::new(role)
            .words(&format!("{inner} -- {inner}"))
            .fixture(
                "orphan linger left TERM 300 say left-is-done exit 3 , \
                 fork linger peer TERM 300 say peer-is-done exit 4 , await command TERM exit 42",
            )
            .start();
        for name in ["left", "peer", "command"] {
            rinit.ready_before_now(name);
        }
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*said_at_once(&ended)), (42, ""));
        for name in ["left", "peer"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{}", ended.stdout);
            assert!(
                ended.stdout.contains(&format!("{name}-is-done")),
                "{}",
                ended.stdout
            );
        }
    });
}

#[test]
fn a_clock_that_began_elsewhere_shows_who_was_asked() {
    if !Path::new("/proc/self/ns/time").exists() {
        skip("this kernel is older than 5.6");
        return;
    }
    as_pid1_and_subreaper(|role| {
        // As a container has it that was moved from another machine (time_namespaces(7)).
        let rinit = Rinit::program(role, "unshare".as_ref())
            .words("--time --boottime 100000000 --monotonic 200000000")
            .arg(binary())
            .script(r#""$fixture" linger app TERM 300 say app-is-done exit 0; echo no"#)
            .start();
        rinit.ready_before_now("app");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*said_at_once(&ended)), (143, ""));
        assert_eq!(got(&ended.stdout, "app", "TERM"), 1, "{}", ended.stdout);
        assert!(ended.stdout.contains("app-is-done"), "{}", ended.stdout);
    });
}

/// What rinit says whether or not the machine has much else to do: without what it waits for, said after a second.
fn said_at_once(ended: &Ended) -> String {
    let lines = ended.stderr.split_inclusive('\n');
    lines
        .filter(|line| !line.contains("; waiting for "))
        .collect()
}
