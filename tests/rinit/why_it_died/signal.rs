//! What each deadly signal means, and when nothing is said of it.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use nix::sys::resource::RLIM_INFINITY;

use super::{killed, limit_core};
use crate::common::terminal::{CTRL_C, SHELL};
use crate::common::{
    Directory, Rinit, Terminal, as_pid1, as_pid1_and_subreaper, as_subreaper, elf_samples, fixture,
    signal,
};

/// Signals of a program's own making, and what is said of them.
const MEANINGS: [(i32, &str, &str); 14] = [
    (
        libc::SIGHUP,
        "SIGHUP",
        "its terminal went away, or another process sent it",
    ),
    (
        libc::SIGILL,
        "SIGILL",
        "it used an instruction that this processor does not have: it may be built for a newer one",
    ),
    (
        libc::SIGTRAP,
        "SIGTRAP",
        "a check of its own failed, or a debugger stopped it",
    ),
    (
        libc::SIGABRT,
        "SIGABRT",
        "it aborted itself; the last lines of its own output should say why",
    ),
    (
        libc::SIGBUS,
        "SIGBUS",
        "it accessed memory with nothing behind it: a mapped file was truncated, or /dev/shm is full (--shm-size)",
    ),
    (
        libc::SIGFPE,
        "SIGFPE",
        "an arithmetic error, such as a division by zero",
    ),
    (
        libc::SIGSEGV,
        "SIGSEGV",
        "it accessed memory that is not its own, a bug in the program",
    ),
    (
        libc::SIGPIPE,
        "SIGPIPE",
        "it wrote to a pipe or connection that nobody reads",
    ),
    (libc::SIGALRM, "SIGALRM", TIMER),
    (libc::SIGVTALRM, "SIGVTALRM", TIMER),
    (libc::SIGPROF, "SIGPROF", TIMER),
    (
        libc::SIGXCPU,
        "SIGXCPU",
        "it used up its CPU time (ulimit -t)",
    ),
    (
        libc::SIGXFSZ,
        "SIGXFSZ",
        "it wrote a file larger than allowed (ulimit -f)",
    ),
    (
        libc::SIGSYS,
        "SIGSYS",
        "it made a system call that is forbidden here (seccomp)",
    ),
];
const TIMER: &str = "a timer of its own expired, and it has no handler for that";

/// Others by their names.
const OTHERS: [(i32, &str); 12] = [
    (libc::SIGINT, "SIGINT"),
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGUSR1, "SIGUSR1"),
    (libc::SIGUSR2, "SIGUSR2"),
    (libc::SIGTERM, "SIGTERM"),
    (libc::SIGIO, "SIGIO"),
    (libc::SIGPWR, "SIGPWR"),
    (32, "SIG32"),
    (33, "SIG33"),
    (34, "SIGRTMIN"),
    (37, "SIGRTMIN+3"),
    (64, "SIGRTMIN+30"),
];
/// What asks for a stop.
const STOP_SIGNALS: [i32; 5] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGPWR, 37];
const SENT: &str = "sent by another process (not rinit), or by the program itself";

/// Which of them dump core, if they may (signal(7)).
const DUMP_CORE: [i32; 10] = [
    libc::SIGQUIT,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGSEGV,
    libc::SIGXCPU,
    libc::SIGXFSZ,
    libc::SIGSYS,
];

#[test]
fn each_deadly_signal_is_named_with_what_it_commonly_means() {
    let meanings = MEANINGS.into_iter();
    let all = meanings.chain(OTHERS.map(|(number, name)| (number, name, SENT)));
    let directory = Directory::new("cores");
    as_pid1(|role| {
        for (number, name, why) in all.clone() {
            for limit in [0, RLIM_INFINITY] {
                let mut alone = Command::new(fixture());
                alone
                    .args(["die", &signal::name(number)])
                    .current_dir(directory.path());
                // SAFETY: a system call.
                unsafe { alone.pre_exec(limit_core(limit)) };
                let alone = alone.status().expect("the fixture");
                let core = match (alone.core_dumped(), DUMP_CORE.contains(&number)) {
                    (true, _) => " (core dumped)",
                    (false, true) => " (no core dumped)",
                    (false, false) => "",
                };
                let ended = Rinit::new(role)
                    .directory(directory.path())
                    .before_exec(limit_core(limit))
                    .fixture(&format!("die {}", signal::name(number)))
                    .run();
                let said = killed(&format!("{name}{core}"), why, 128 + number);
                assert_eq!((ended.stderr, ended.status), (said, 128 + number));
            }
        }
    });
}

#[test]
fn a_signal_from_another_process_of_the_container_is_not_rinits() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role).fixture("sleep command").start();
        let command = rinit.ready("command");
        signal::send(command, libc::SIGTERM).expect("it lives");
        let ended = rinit.end();
        assert!(ended.stderr.contains(SENT), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1);
    });
}

#[test]
fn nothing_is_said_of_an_end_that_was_asked_for_and_else_that_there_is_no_handler() {
    as_pid1(|role| {
        for number in signal::deadly().filter(|number| *number != libc::SIGKILL) {
            let rinit = Rinit::new(role)
                .before_exec(limit_core(0))
                .fixture("sleep command")
                .start();
            rinit.ready("command");
            rinit.send(number);
            let ended = rinit.end();
            assert_eq!(ended.status, 128 + number);
            if STOP_SIGNALS.contains(&number) {
                assert_eq!(ended.stderr, "");
            } else {
                let why = "rinit forwarded it, and the program has no handler for it";
                assert!(ended.stderr.contains(why), "{}", ended.stderr);
            }
        }
    });
    as_pid1_and_subreaper(|role| {
        for (options, status) in [("-r TERM:KILL", 137), ("-k 0.01", 137), ("-c", 143)] {
            let rinit = Rinit::new(role)
                .words(options)
                .fixture(match status {
                    137 => "record command",
                    _ => "sleep command",
                })
                .start();
            rinit.ready("command");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert!(!ended.stderr.contains("was killed"), "{}", ended.stderr);
            assert_eq!(ended.status, status, "{options}");
        }
    });
}

#[test]
fn nothing_is_said_of_ctrl_c() {
    as_subreaper(|role| {
        let mut terminal = Terminal::run(role, &format!("exec {SHELL}"));
        terminal.prompt();
        terminal.enter("$RINIT fixture sleep app");
        terminal.ready("app");
        terminal.press(CTRL_C);
        let said = terminal.prompt();
        assert!(!said.contains("rinit"), "{said}");
        terminal.enter("exit $?");
        assert_eq!(terminal.end(), 130);
    });
}

#[test]
fn nothing_is_said_of_a_status_that_is_the_programs_own() {
    as_pid1_and_subreaper(|role| {
        for status in [1, 126, 127, 128, 129, 137, 139, 143, 255] {
            let ended = Rinit::new(role).fixture(&format!("exit {status}")).run();
            assert_eq!((&*ended.stderr, ended.status), ("", status));
        }
    });
}

#[test]
fn a_program_that_lacks_its_end_is_seen_through() {
    let whole = elf_samples::dynamic();
    let directory = Directory::new("cut-off");
    let file = directory.executable("app", &whole[..whole.len() / 2]);
    as_pid1(|role| {
        let ended = Rinit::new(role).before_exec(limit_core(0)).arg(&file).run();
        let [start, end] = [
            format!(
                "rinit: \"{}\" (pid 2) was killed by SIG{} (no core dumped): its file is damaged or truncated: it has {} of ",
                file.display(),
                if ended.status == 135 { "BUS" } else { "SEGV" },
                whole.len() / 2
            ),
            format!(" bytes; status {}\n", ended.status),
        ];
        assert!(
            ended.stderr.starts_with(&start) && ended.stderr.ends_with(&end),
            "{}",
            ended.stderr
        );
    });
}
