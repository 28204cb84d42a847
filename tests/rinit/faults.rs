//! Whatever system call fails, and however: rinit comes to its end, with COMMAND's status or a word why there is
//! none, and does not spin.
//!
//! strace shows which calls a run makes. In more runs, each of these fails: the first time, the second time, from
//! the third time on, every time; with every one of the errors. So a call that rinit takes to making is among them
//! by itself. Of these thousands of runs one in 45 is made; with RINIT_TEST_FAULTS=all, each.
//!
//! What comes before rinit's `main` is left out: the C library makes these calls, and it cannot go on without. So
//! are the calls of [`INFALLIBLE`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{self, Display, Formatter};

use crate::common::strace::{Call, Trace, Traced, as_pid1, as_pid1_and_subreaper, as_subreaper};
use crate::common::{Rinit, Role, binary};

const ERRORS: [&str; 11] = [
    "EPERM", "EACCES", "EINVAL", "ENOSYS", "EINTR", "EAGAIN", "EIO", "EBADF", "EMFILE", "ENOMEM",
    "ESRCH",
];

/// They always succeed (getpid(2), getpgrp(2)), there is no other way to end (exit_group(2)), and whatever close(2)
/// returns, Linux has let go of the descriptor: a failure injected instead of the call leaves it open, as none does.
const INFALLIBLE: [&str; 5] = ["getpid", "getppid", "getpgrp", "exit_group", "close"];

/// A debug build asserts that what it asks about is open.
const ASSERTED: &str = "fcntl";

/// Without these nothing can be said.
const SAYING: [&str; 3] = ["pwritev2", "poll", "write"];

/// One fault in so many is tried. That leads through all errors: it is one more than a multiple of their number.
const SAMPLE: usize = 45;

/// The command's status in most runs.
const STATUS: i32 = 3;

#[test]
fn a_command_that_leaves_nothing_behind_keeps_its_status() {
    let words = "-p TERM -vv -- FIXTURE into STARTED say started exit 3";
    as_pid1_and_subreaper(|role| try_faults(&run("plain", role, words), STATUS));
}

#[test]
fn a_drain_comes_to_its_end() {
    let words = "-t 0.05 -w -vvv -- FIXTURE into STARTED say started \
                 orphan sleep left , ignore TERM orphan session sleep stubborn , exit 3";
    as_pid1_and_subreaper(|role| try_faults(&run("drain", role, words), STATUS));
}

#[test]
fn a_stop_comes_to_its_end() {
    let words = "-t 0.05 -k 5 -vv -- FIXTURE into STARTED say started \
                 ignore TERM orphan sleep left , ignore RTMIN+0 raise RTMIN+0 raise TERM exit 3";
    as_pid1_and_subreaper(|role| try_faults(&run("stop", role, words), STATUS));
}

#[test]
fn a_command_whose_orphans_the_kernel_reaps_keeps_its_status() {
    // Long enough for the first orphan to be reaped before.
    let words = "-t 0.05 -- FIXTURE into STARTED say started \
                 orphan exit 4 , exec sh -c 'sleep 0.1; exit 3'";
    as_pid1(|role| {
        try_faults(&run("kernel", role, words), STATUS);
    });
}

#[test]
fn a_command_on_a_terminal_keeps_its_status() {
    let words = "-t 0.05 -vv -- FIXTURE into STARTED say started orphan sleep left , exit 3";
    as_subreaper(|role| {
        let on_terminal = Traced {
            on_terminal: true,
            ..run("terminal", role, words)
        };
        try_faults(&on_terminal, STATUS);
    });
}

#[test]
fn a_command_that_stops_on_a_terminal_goes_on_and_keeps_its_status() {
    // Who cannot see that it has stopped, cannot have it go on.
    let words = "-vv -- FIXTURE into STARTED say started \
                 fork exec sh -c 'for _ in 1 2 3 4 5; do sleep 0.2; kill -CONT $PPID; done' , \
                 exec sh -c 'kill -TSTP $$; exit 3'";
    as_subreaper(|role| {
        let on_terminal = Traced {
            on_terminal: true,
            ..run("stopped", role, words)
        };
        try_faults(&on_terminal, STATUS);
    });
}

#[test]
fn daemons_keep_their_status() {
    // Dead before rinit has seen that it outlives COMMAND, it would count as none.
    let words = "-d -vv -- FIXTURE into STARTED say started \
                 orphan exec sh -c 'while sleep 0.1; kill -0 2 || ! grep -q sleeping /proc/1/status; do :; done \
                 2>/dev/null; exit 3' , exit 0";
    as_pid1(|role| {
        try_faults(&run("daemon", role, words), STATUS);
    });
}

#[test]
fn a_pause_comes_to_its_end() {
    as_pid1(|role| {
        let pause = Traced {
            // PID 1 gets no signal before rinit waits for them.
            before: "fork exit 3 , fork until-eof \
                     exec sh -c 'while kill -TERM $PPID; do sleep 0.01; done' ,",
            ..run("pause", role, PAUSE)
        };
        try_faults(&pause, 0);
    });
}

const PAUSE: &str = "-P -p TERM -vv";

#[test]
fn a_command_that_is_not_there_is_reported() {
    as_pid1_and_subreaper(|role| {
        try_faults(&run("path", role, "nowhere-to-be-found"), NOT_FOUND);
        try_faults(&run("missing", role, "/nowhere/to/be/found"), NOT_FOUND);
    });
}

#[test]
fn a_command_that_cannot_have_its_signal_mask_is_not_started() {
    as_subreaper(|role| {
        for error in ERRORS {
            // strace counts the calls of each process, and the shell makes the first one of rinit's.
            let rinit = Rinit::program(role, "strace".as_ref())
                .words("-f -o /dev/null -e")
                .arg(format!("inject=rt_sigprocmask:error={error}:when=1"))
                .words("bash -c")
                .arg("exec \"$0\" \"$@\"")
                .arg(binary())
                .fixture("say started");
            let ended = rinit.run();
            assert_eq!(
                (ended.status, ended.stdout.as_str()),
                (FAILED, ""),
                "{error}"
            );
            assert!(
                ended.stderr.contains("signal mask"),
                "{error}: {}",
                ended.stderr
            );
        }
    });
}

#[test]
fn every_ending_is_seen_right_where_wait4_is_refused() {
    as_pid1_and_subreaper(|role| {
        for (words, status) in [
            ("-- FIXTURE exit 255", 255),
            ("-q -- FIXTURE die KILL", 128 + 9),
            ("-q -- FIXTURE die SEGV", 128 + 11),
            ("-q -- FIXTURE die RTMIN+30", 128 + 64),
        ] {
            let trace = run("endings", role, words).run("-e inject=wait4:error=EPERM");
            assert_eq!(trace.status, Some(status), "{words}:\n{}", trace.log);
        }
    });
}

/// rinit's own statuses.
const FAILED: i32 = 125;
const CANNOT_RUN: i32 = 126;
const NOT_FOUND: i32 = 127;

fn run(name: &'static str, role: Role, words: &'static str) -> Traced {
    Traced {
        name,
        role,
        on_terminal: false,
        words,
        before: "",
    }
}

/// A call that fails, as strace is asked for it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    call: String,
    when: String,
    error: &'static str,
}

impl Fault {
    /// No signal arrives any more, and a pause has no other end.
    fn is_deafness(&self) -> bool {
        self.call == "rt_sigtimedwait" && self.when.ends_with('+')
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Fault { call, when, error } = self;
        write!(f, "-e inject={call}:error={error}:when={when}")
    }
}

/// Lets everything fail that a run does, which otherwise ends with `status`.
fn try_faults(traced: &Traced, status: i32) {
    let usual = traced.run("");
    assert_eq!(
        usual.status,
        Some(status),
        "{}{}",
        usual.messages,
        usual.log
    );
    let calls = usual.calls();
    let all = std::env::var_os("RINIT_TEST_FAULTS").is_some_and(|value| value == "all");
    let mut statuses = BTreeMap::new();
    let mut failures = Vec::new();
    let faults = faults(&calls).into_iter();
    let faults = faults.filter(|fault| !(traced.words == PAUSE && fault.is_deafness()));
    for fault in faults.step_by(if all { 1 } else { SAMPLE }) {
        let trace = traced.run(&fault.to_string());
        *statuses.entry(trace.status).or_insert(0) += 1;
        if let Some(complaint) = complaint(&fault, &trace, status, calls.len()) {
            failures.push(format!(
                "{fault}: {complaint}\n{}{}",
                trace.messages, trace.log
            ));
        }
    }
    let Traced { name, role, .. } = traced;
    eprintln!("{name} as {role:?}: how many faults ended with each status: {statuses:?}");
    assert!(
        failures.is_empty(),
        "{}\n{} faults",
        failures.join("\n"),
        failures.len()
    );
}

fn faults(calls: &[Call]) -> BTreeSet<Fault> {
    let mut first = HashMap::new();
    let mut faults = BTreeSet::new();
    let is_release = !cfg!(debug_assertions) || std::env::var_os("RINIT_TEST_BINARY").is_some();
    for Call { name, by, number } in calls {
        if INFALLIBLE.contains(&name.as_str()) || (name == ASSERTED && !is_release) {
            continue;
        }
        let first = *first.entry((name, by)).or_insert(*number);
        let times = match number - first {
            0 => vec![format!("{number}"), format!("{number}+")],
            1 => vec![format!("{number}")],
            2 => vec![format!("{number}+")],
            _ => continue,
        };
        for when in times {
            faults.extend(ERRORS.map(|error| Fault {
                call: name.clone(),
                when: when.clone(),
                error,
            }));
        }
    }
    faults
}

/// What is wrong with how it went.
fn complaint(fault: &Fault, trace: &Trace, usual: i32, usual_calls: usize) -> Option<&'static str> {
    let Some(status) = trace.status else {
        return Some("it does not end");
    };
    // A wait that fails is asked for again ten times a second; 64 descriptors may have to be closed one by one.
    if trace.log.lines().count() > 5 * usual_calls + 200 {
        return Some("it spins");
    }
    if status == usual {
        return None;
    }
    if trace.started {
        return Some("COMMAND's status is lost");
    }
    let is_due = match status {
        FAILED => true,
        CANNOT_RUN | NOT_FOUND if fault.call == "execve" => true,
        _ => false,
    };
    if !is_due {
        return Some("the status tells something else");
    }
    let is_said = ["rinit: cannot run", "rinit: cannot start"]
        .iter()
        .any(|beginning| trace.messages.contains(beginning));
    if !is_said && !SAYING.contains(&fault.call.as_str()) {
        return Some("nobody knows why");
    }
    None
}
