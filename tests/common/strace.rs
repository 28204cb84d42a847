//! rinit under strace, which can make system calls fail.

use std::collections::HashMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::output::Output;
use super::{
    Directory, Rinit, Role, Running, Terminal, binary, find_program, fixture, limit, role, skip,
};

/// Tests of rinit under strace.
pub fn as_pid1_and_subreaper(test: impl Fn(Role)) {
    if is_there() {
        role::as_pid1_and_subreaper(test);
    }
}

pub fn as_pid1(test: impl Fn(Role)) {
    if is_there() {
        role::as_pid1(test);
    }
}

pub fn as_subreaper(test: impl Fn(Role)) {
    if is_there() {
        role::as_subreaper(test);
    }
}

/// Where it is not, the test is skipped.
pub fn is_there() -> bool {
    let is_there = find_program("strace").is_some();
    if !is_there {
        skip("strace is not installed: apt install strace");
    }
    is_there
}

/// A command line of rinit's, to be run under strace again and again.
pub struct Traced {
    pub name: &'static str,
    pub role: Role,
    pub on_terminal: bool,
    /// rinit's words. In them `FIXTURE` stands for the fixture, and `STARTED` for a file by which COMMAND shows
    /// that it runs.
    pub words: &'static str,
    /// What the fixture does before it becomes PID 1.
    pub before: &'static str,
}

/// How a run went.
pub struct Trace {
    /// `None`: it did not end.
    pub status: Option<i32>,
    pub started: bool,
    /// What rinit said.
    pub messages: String,
    /// What strace said, a line a call.
    pub log: String,
}

/// A system call.
pub struct Call {
    pub name: String,
    pub by: Caller,
    /// Of the calls of this name that its process makes, counted from 1.
    pub number: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    Rinit,
    /// The child before its exec. It is not seen as PID 1: strace can be told of an exec beyond which it is not to
    /// follow, but where it joins a process, this is rinit's own.
    Child,
}

/// Bytes of a log. A run that does not spin makes not a tenth of it.
const TOO_LONG: u64 = 1_000_000;

impl Traced {
    /// Runs it with further options of strace's.
    pub fn run(&self, options: &str) -> Trace {
        let directory = Directory::new(&format!("{}-{:?}", self.name, self.role));
        let path = |name: &str| directory.path().join(name).display().to_string();
        let [log, messages, started] = ["log", "messages", "started"].map(path);
        let words = self.words.replace("STARTED", &started);
        let words = words.replace("FIXTURE", &fixture().display().to_string());
        let rinit = format!("{} {words}", binary().display());
        // Where rinit may not close all descriptors at once, it closes one after the other.
        let line = |program: &str| format!("ulimit -n 64; exec {program} {rinit} 2>{messages}");
        let strace = format!("strace -o {log} {options}");
        let follow = line(&format!("{strace} -f -b execve"));
        let status = match self.role {
            Role::Subreaper if self.on_terminal => {
                end(&mut Terminal::run(self.role, &follow).running, &log)
            }
            Role::Subreaper => end(&mut shell(self.role, &follow), &log),
            // strace forks more than once, so that what it starts is never the first process of a namespace.
            // What it joins waits in a call that rinit does not make, since it may or may not be seen.
            Role::Pid1 => {
                let wait = format!(
                    "{} {} say waiting until-input exec",
                    fixture().display(),
                    self.before
                );
                let mut running = shell(self.role, &line(&wait));
                running.says("waiting");
                let mut tracer = attach(&strace, running.pid);
                drop(running.stdin.take());
                let status = end(&mut running, &log);
                drop(running);
                tracer.wait().expect("a child of ours");
                status
            }
        };
        let read = |path: &String| fs::read_to_string(path).unwrap_or_default();
        Trace {
            status,
            started: fs::exists(&started).is_ok_and(|is_there| is_there),
            messages: read(&messages),
            log: read(&log),
        }
    }
}

/// Has strace, with these words, join a process that runs.
pub fn attach(strace: &str, pid: i32) -> Child {
    let mut words = strace.split_whitespace();
    let mut tracer = Command::new(words.next().expect("strace"))
        .args(words)
        .args(["-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace");
    Output::of("strace", tracer.stderr.take()).line("attached");
    tracer
}

fn shell(role: Role, line: &str) -> Running {
    let shell = Rinit::program(role, "/bin/sh".as_ref());
    shell.arg("-c").arg(line).start()
}

/// The status at its end, which must come in time and before strace has written too much.
fn end(running: &mut Running, log: &str) -> Option<i32> {
    let start = Instant::now();
    while start.elapsed() < limit() && fs::metadata(log).map_or(0, |log| log.len()) < TOO_LONG {
        if let Some(status) = running.outside.try_wait().expect("a child of ours") {
            return status.code();
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

impl Trace {
    /// From rinit's `main` on. What comes before that is the C library's business, or that of whoever executed rinit.
    pub fn calls(&self) -> Vec<Call> {
        let mut rinit = None;
        let mut numbers = HashMap::new();
        let mut calls: Vec<Call> = Vec::new();
        for line in self.log.lines() {
            // Those who do not follow a child write no pids.
            let call = line.trim_start_matches(|first: char| first.is_ascii_digit());
            let pid = &line[..line.len() - call.len()];
            let Some((name, _)) = call.trim_start().split_once('(') else {
                continue;
            };
            // An exit, a signal, the second half of a call.
            if name.starts_with(['+', '-', '<']) {
                continue;
            }
            let by = if pid == *rinit.get_or_insert(pid) {
                Caller::Rinit
            } else {
                Caller::Child
            };
            let number = numbers.entry((by, name)).or_default();
            *number += 1;
            calls.push(Call {
                name: name.to_owned(),
                by,
                number: *number,
            });
        }
        let is =
            |name: &'static str| move |call: &Call| call.by == Caller::Rinit && call.name == name;
        let executed = calls.iter().rposition(is("execve"));
        calls.drain(..executed.expect("rinit is executed"));
        // First of all, it blocks signals.
        let main = calls.iter().position(is("rt_sigprocmask"));
        calls.split_off(main.expect("rinit has begun"))
    }
}
