//! Want of memory: the kernel's count, and whose limit it was.

use super::killed;
use crate::common::before_exec::hide;
use crate::common::cgroup::{Limit, Mount};
use crate::common::{Ended, Rinit, Running, as_pid1, proc, signal};

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
            .fixture("die KILL")
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
            .fixture("await hog USR1 hog");
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
fn a_shell_that_shows_by_its_status_a_child_out_of_memory() {
    let Some(limit) = Limit::memory("shell", LIMIT) else {
        return;
    };
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .before_exec(limit.entry())
            .script("$fixture await hog USR1 hog; exit $?");
        let ended = let_hog(rinit);
        let said = format!(
            "rinit: \"/bin/sh\" (pid 2) exited with status 137: a process in the container was killed: {}\n",
            out_of_memory(1, "the container's limit is 32 MiB")
        );
        assert!(ended.stderr.ends_with(&said), "{}", ended.stderr);
        assert_eq!(ended.status, 137);
        let ended = Rinit::new(role)
            .before_exec(limit.entry())
            .fixture("like die KILL ,")
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
            .script("$fixture await hog USR1 hog; $fixture hog; exec $fixture sleep command")
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
fn the_limit_of_a_cgroup_above_is_distinguished_from_the_containers() {
    let Some(above) = Limit::memory("above", LIMIT) else {
        return;
    };
    for own in [LIMIT / 4 * 3, LIMIT / 4 * 5] {
        let limit = above.below("own", own);
        as_pid1(|role| {
            let rinit = Rinit::new(role)
                .before_exec(limit.entry())
                .fixture("await hog USR1 hog");
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
            .fixture("await hog USR1 hog");
        let ended = let_hog(rinit);
        let why = out_of_memory(1, "for a cgroup above, or because the host was short");
        let said = killed("SIGKILL", &why, 137);
        assert_eq!((ended.stderr, ended.status), (said, 137));
    });
}
