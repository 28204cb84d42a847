//! A standard error that nobody reads, and that is full, holds nobody up.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use crate::common::before_exec::hide;
use crate::common::seccomp::refuse;
use crate::common::{Directory, Rinit, as_pid1_and_subreaper, strace, terminal};

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
