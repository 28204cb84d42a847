//! Which program it was, and its file.

use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};

use super::limit_core;
use crate::common::fuse::FuseMount;
use crate::common::rinit::reaping_is_forced;
use crate::common::{
    Directory, Rinit, as_pid1, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, elf_samples,
    fixture, proc, signal, skip, wait_until,
};

#[test]
fn the_name_that_it_died_under_is_logged() {
    if reaping_is_forced() {
        return; // Where the kernel reaps, a name that COMMAND takes later is not known.
    }
    as_pid1_and_subreaper_at_once(|role| {
        for (hex, shown) in [
            ("6a617661", "java"),
            // What would clear the screen, end the line and be no text.
            ("1b5b324a0aff", r"\x1b[2J\x0a\xff"),
        ] {
            // A zombie of its own comes to rinit before it, and hides its SIGCHLD.
            let rinit = Rinit::new(role)
                .before_exec(limit_core(0))
                .fixture(&format!(
                    "fork exit 0 , call {hex} await command USR1 die SEGV"
                ))
                .start();
            let command = rinit.ready("command");
            wait_until("its child is a zombie", || {
                proc::children(command)
                    .iter()
                    .all(|child| proc::state(*child) == Some('Z'))
            });
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
