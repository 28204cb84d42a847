//! Why COMMAND died is said in one line, unless its end was asked for.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::cgroup::{Limit, Mount};
use crate::common::fuse::FuseMount;
use crate::common::rinit::{hide, reaping_is_forced};
use crate::common::terminal::{CTRL_C, SHELL};
use crate::common::{
    Directory, Ended, Rinit, Running, Terminal, as_pid1_and_subreaper,
    as_pid1_and_subreaper_at_once, fixture, proc, signal,
};
use crate::common::{as_pid1, as_subreaper, elf_samples, skip, wait_until};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

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

/// What is said of a fixture that was killed, beside a rinit that is the first process.
fn killed(how: &str, why: &str, status: i32) -> String {
    let command = fixture();
    let command = command.display();
    format!("rinit: \"{command}\" (pid 2) was killed by {how}: {why}; status {status}\n")
}

/// Before exec: cores of up to that size may be dumped.
fn limit_core(bytes: u64) -> impl FnMut() -> std::io::Result<()> + Send + Sync + 'static {
    move || Ok(setrlimit(Resource::RLIMIT_CORE, bytes, bytes)?)
}

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
                    .args(["die", &number.to_string()])
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
                    .fixture(&format!("die {number}"))
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

const NOT_MEMORY: &str =
    "not out of memory; another process sent it (kill -9), or its CPU time ran out (ulimit -t)";
const PERHAPS_MEMORY: &str =
    "out of memory, or another process sent it (kill -9); the kernel's count does not show which";

fn out_of_memory(kills: u32, limit: &str) -> String {
    let times = match kills {
        1 => "once".to_owned(),
        _ => format!("{kills} times"),
    };
    format!(
        "out of memory, unless another process sent it (kill -9): \
         the out-of-memory killer has struck {times} since the start ({limit})"
    )
}

#[test]
fn without_the_kernels_count_all_that_sends_sigkill_is_said() {
    as_pid1(|role| {
        let ended = Rinit::new(role)
            .before_exec(|| hide("/sys"))
            .fixture("die 9")
            .run();
        let said = killed("SIGKILL", PERHAPS_MEMORY, 137);
        assert_eq!((ended.stderr, ended.status), (said, 137));
    });
}

#[test]
fn the_count_and_the_limit_are_those_of_either_version() {
    let host = out_of_memory(1, "for a cgroup above, or because the host was short");
    let limited = out_of_memory(1, "the container's limit is 32 MiB");
    as_pid1(|role| {
        for (count, limit, value, out_of_memory) in [
            ("memory.events", "memory.max", "33554432\n", &limited),
            ("memory.events", "memory.max", "max\n", &host),
            (
                "memory/memory.oom_control",
                "memory/memory.limit_in_bytes",
                "33554432\n",
                &limited,
            ),
            (
                "memory/memory.oom_control",
                "memory/memory.limit_in_bytes",
                "9223372036854771712\n",
                &host,
            ),
        ] {
            let mount = Mount::new("cgroups", &[(count, "oom_kill 4\n"), (limit, value)]);
            for (kills, why) in [
                ("oom_kill 4\n", NOT_MEMORY),
                ("oom_kill 5\n", &**out_of_memory),
            ] {
                let rinit = Rinit::new(role)
                    .before_exec(mount.bind())
                    .fixture("sleep command")
                    .start();
                let command = rinit.ready("command");
                // The count of before has been read.
                proc::wait_until_idle(rinit.pid);
                mount.write(count, kills);
                signal::send(command, libc::SIGKILL).expect("it lives");
                let ended = rinit.end();
                let said = killed("SIGKILL", why, 137);
                assert_eq!((ended.stderr, ended.status), (said, 137), "{count} {value}");
            }
        }
    });
}

/// Bytes that do for rinit and the fixture, until it wants more and more.
const LIMIT: u64 = 32 << 20;

/// Runs what says `ready hog` and waits for SIGUSR1 before it takes all memory.
fn let_hog(rinit: Rinit) -> Ended {
    let rinit = rinit.start();
    start_hog(&rinit);
    rinit.end()
}

/// Only once rinit has read the count of before: it does so while COMMAND runs.
fn start_hog(rinit: &Running) {
    let hog = rinit.ready("hog");
    proc::wait_until_idle(rinit.pid);
    signal::send(hog, libc::SIGUSR1).expect("it lives");
}

#[test]
fn a_command_that_the_kernel_kills_for_want_of_memory() {
    let Some(limit) = Limit::memory("hog", LIMIT) else {
        return;
    };
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .before_exec(limit.entry())
            .fixture("await hog 10 hog");
        let ended = let_hog(rinit);
        let why = out_of_memory(1, "the container's limit is 32 MiB");
        let said = killed("SIGKILL", &why, 137);
        assert_eq!((ended.stderr, ended.status), (said, 137));
        // That was before the next one's start.
        let rinit = Rinit::new(role)
            .before_exec(limit.entry())
            .fixture("sleep command")
            .start();
        let command = rinit.ready("command");
        proc::wait_until_idle(rinit.pid);
        signal::send(command, libc::SIGKILL).expect("it lives");
        let ended = rinit.end();
        let said = killed("SIGKILL", NOT_MEMORY, 137);
        assert_eq!((ended.stderr, ended.status), (said, 137));
    });
}

#[test]
fn a_shell_that_tells_by_its_status_of_a_child_out_of_memory() {
    let Some(limit) = Limit::memory("shell", LIMIT) else {
        return;
    };
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .before_exec(limit.entry())
            .script("$fixture await hog 10 hog; exit $?");
        let ended = let_hog(rinit);
        let said = format!(
            "rinit: \"/bin/sh\" (pid 2) exited with status 137: a process in the container was killed: {}\n",
            out_of_memory(1, "the container's limit is 32 MiB")
        );
        assert!(ended.stderr.ends_with(&said), "{}", ended.stderr);
        assert_eq!(ended.status, 137);
        let ended = Rinit::new(role)
            .before_exec(limit.entry())
            .fixture("like die 9 ,")
            .run();
        assert_eq!((&*ended.stderr, ended.status), ("", 137));
    });
}

/// The count does not show who it was, which is said.
#[test]
fn children_that_were_killed_for_want_of_memory_earlier_are_counted() {
    let Some(limit) = Limit::memory("children", LIMIT) else {
        return;
    };
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .before_exec(limit.entry())
            .script("$fixture await hog 10 hog; $fixture hog; exec $fixture sleep command")
            .start();
        start_hog(&rinit);
        let command = rinit.ready("command");
        signal::send(command, libc::SIGKILL).expect("it lives");
        let ended = rinit.end();
        let why = out_of_memory(2, "the container's limit is 32 MiB");
        let said = format!("was killed by SIGKILL: {why}; status 137\n");
        assert!(ended.stderr.ends_with(&said), "{}", ended.stderr);
        assert_eq!(ended.status, 137);
    });
}

#[test]
fn the_limit_of_a_cgroup_above_is_told_from_the_containers() {
    let Some(above) = Limit::memory("above", LIMIT) else {
        return;
    };
    for own in [LIMIT / 4 * 3, LIMIT / 4 * 5] {
        let limit = above.below("own", own);
        as_pid1(|role| {
            let rinit = Rinit::new(role)
                .before_exec(limit.entry())
                .fixture("await hog 10 hog");
            let ended = let_hog(rinit);
            let why = match own < LIMIT {
                true => "the container's limit is 24 MiB",
                false => "a cgroup above has a limit of 32 MiB",
            };
            let said = killed("SIGKILL", &out_of_memory(1, why), 137);
            assert_eq!((ended.stderr, ended.status), (said, 137));
        });
    }
}

/// As a container sees it whose cgroup is the root of its own namespace (cgroup_namespaces(7)).
#[test]
fn a_limit_above_that_cannot_be_seen_is_no_limit_of_the_containers() {
    let Some(above) = Limit::memory("unseen", LIMIT) else {
        return;
    };
    let limit = above.below("own", LIMIT * 2);
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .before_exec(limit.entry())
            .before_exec(limit.bind_as_root())
            .fixture("await hog 10 hog");
        let ended = let_hog(rinit);
        let why = out_of_memory(1, "for a cgroup above, or because the host was short");
        let said = killed("SIGKILL", &why, 137);
        assert_eq!((ended.stderr, ended.status), (said, 137));
    });
}

#[test]
fn the_name_that_it_died_under_is_told() {
    if reaping_is_forced() {
        return; // Where the kernel reaps, a name that COMMAND takes later is not known.
    }
    as_pid1_and_subreaper_at_once(|role| {
        for (hex, shown) in [
            ("6a617661", "java"),
            // What would clear the screen, end the line and be no text.
            ("1b5b324a0aff", r"\x1b[2J\x0a\xff"),
        ] {
            let rinit = Rinit::new(role)
                .before_exec(limit_core(0))
                .fixture(&format!("call {hex} await command 10 die 11"))
                .start();
            let command = rinit.ready("command");
            // Whoever dies while rinit just reaps, as it does at the start, may be reaped unnamed.
            proc::wait_until_idle(rinit.pid);
            signal::send(command, libc::SIGUSR1).expect("it lives");
            let ended = rinit.end();
            let said = format!(
                "rinit: \"{}\" (pid {}, {shown}) was killed by SIGSEGV (no core dumped): ",
                fixture().display(),
                role.pid() + 1
            );
            assert!(ended.stderr.starts_with(&said), "{}", ended.stderr);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        }
    });
}

/// The kernel gives up in the middle of the exec, which looks like a mistake of the program's.
#[test]
fn a_program_that_does_not_fit_into_the_address_space() {
    let number = match std::env::consts::ARCH {
        "x86_64" => 62,
        "aarch64" => 183,
        other => return skip(&format!("no sample of a program for {other}")),
    };
    let machine = elf_samples::Machine {
        number,
        bits: 64,
        is_little_endian: true,
    };
    let mut program = elf_samples::elf(machine, &[0; 4]);
    // What its segment is to take in memory.
    program[64 + 40..64 + 48].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    as_pid1(|role| {
        let directory = Directory::new("large");
        let app = directory.executable("app", &program);
        let ended = Rinit::new(role)
            .before_exec(|| {
                setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
                Ok(setrlimit(Resource::RLIMIT_AS, 4 << 30, 4 << 30)?)
            })
            .arg(&app)
            .run();
        let why = "the limit on its address space, 4 GiB, may be too low for it (ulimit -v)";
        assert!(ended.stderr.contains(why), "{}", ended.stderr);
        assert_eq!(ended.status, 128 + libc::SIGSEGV);
    });
}

/// A look at a file whose server does not answer would last for ever, and not even SIGKILL would end process 1.
#[test]
fn a_file_system_that_has_fallen_silent_holds_nothing_up() {
    as_pid1_and_subreaper(|role| {
        let Some(mount) = FuseMount::with(&fixture()) else {
            return;
        };
        let rinit = Rinit::new(role)
            .before_exec(limit_core(0))
            .arg("--")
            .arg(mount.file("fixture"))
            .words("sleep command")
            .start();
        let command = rinit.ready("command");
        // So long after its start, its file is not looked at any more.
        let start = Instant::now();
        wait_until("COMMAND is old", || {
            start.elapsed() > Duration::from_millis(2100)
        });
        mount.fall_silent();
        signal::send(command, libc::SIGSEGV).expect("a process of ours");
        let ended = rinit.end();
        assert_eq!(ended.status, 128 + libc::SIGSEGV, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("it accessed memory"),
            "{}",
            ended.stderr
        );
    });
}
