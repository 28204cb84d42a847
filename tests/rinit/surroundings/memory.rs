//! rinit needs little memory, none that it does not have at the start, and says so where there is too little.

use nix::sys::resource::{Resource, setrlimit};

use crate::common::cgroup::Limit;
use crate::common::{Rinit, as_pid1_and_subreaper, proc, wait_until};

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
