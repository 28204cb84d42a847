//! What an old kernel has not and a sandbox refuses is missed silently.

use std::fs::File;
use std::os::fd::AsRawFd;

use crate::common::seccomp::refuse;
use crate::common::{
    Rinit, as_pid1, as_pid1_and_subreaper, as_subreaper, before_exec, proc, wait_until,
};

/// Newer than Linux 4.4, or such that the start-up code of a Rust program would not go on without.
const CALLS: &[libc::c_long] = &[
    libc::SYS_clone3,
    libc::SYS_close_range,
    libc::SYS_execveat,
    libc::SYS_faccessat2,
    libc::SYS_getrandom,
    libc::SYS_openat2,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_ppoll,
    libc::SYS_pwritev2,
    libc::SYS_rseq,
    libc::SYS_statx,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
];

#[test]
fn newer_system_calls_are_not_needed() {
    as_pid1_and_subreaper(|role| {
        // EPERM: what sandboxes say of calls that they do not know.
        let all = [
            (CALLS, libc::ENOSYS, true),
            (CALLS, libc::EPERM, true),
            (CALLS, libc::ENOSYS, false),
        ];
        let each = CALLS.chunks(1).map(|call| (call, libc::ENOSYS, true));
        for (calls, errno, proc_is_there) in each.chain(all) {
            let file = File::open("/proc/version").expect("a file");
            let descriptor = file.as_raw_fd();
            let rinit = Rinit::new(role)
                .before_exec(move || {
                    before_exec::hand_over(descriptor)?;
                    if !proc_is_there {
                        before_exec::hide("/proc")?;
                    }
                    // A filter takes no more at a time.
                    calls.chunks(10).try_for_each(|some| refuse(some, errno))
                })
                .fixture("orphan sleep left , await command USR1 exit 42")
                .start();
            rinit.ready("left");
            rinit.ready("command");
            wait_until("rinit has let go of all that was handed over", || {
                proc::descriptors(rinit.pid)
                    .iter()
                    .all(|(_, name)| !name.ends_with("version"))
            });
            rinit.send(libc::SIGUSR1);
            let ended = rinit.end();
            assert_eq!(ended.status, 42, "{}", ended.stderr);
            assert_eq!(ended.stderr, "");
        }
    });
}

#[test]
fn who_may_not_become_a_subreaper_says_so_once_and_goes_on() {
    let said = |role| {
        let ended = Rinit::new(role)
            .before_exec(|| refuse(&[libc::SYS_prctl], libc::EINVAL))
            .fixture("say started exit 42")
            .run();
        assert_eq!((ended.status, ended.stdout.as_str()), (42, "started\n"));
        ended.stderr
    };
    as_pid1(|role| assert_eq!(said(role), "", "nothing to ask for"));
    as_subreaper(|role| {
        let said = said(role);
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("rinit: "), "{said}");
    });
}

/// As by a seccomp profile that does not know the call with 64-bit time. The fixture waits by that call, too.
#[test]
fn where_the_wait_for_signals_is_refused_they_are_read_from_a_file() {
    as_pid1_and_subreaper(|role| {
        for errno in [libc::EPERM, libc::ENOSYS] {
            let rinit = Rinit::new(role)
                .before_exec(move || refuse(&[libc::SYS_rt_sigtimedwait], errno))
                .words("-vv -t 0.5")
                .script(
                    r#"(trap "" TERM USR1; echo started; while :; do sleep 0.02; done) &
                    trap "echo heard" USR1
                    trap "exit 3" TERM
                    echo started
                    while :; do sleep 0.02; done"#,
                )
                .start();
            rinit.stdout.wait_for("both have started", |text| {
                (text.matches("started").count() == 2).then_some(())
            });
            // And is not woken ten times a second.
            proc::wait_until_idle(rinit.pid);
            rinit.send(libc::SIGUSR1);
            rinit.says("heard");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert_eq!(ended.status, 3, "{ended:?}");
            let stderr = &ended.stderr;
            assert!(stderr.contains("from outside the container"), "{stderr}");
            assert!(stderr.contains("killing with SIGKILL"), "{stderr}");
        }
    });
}

#[test]
fn where_signals_cannot_be_read_at_all_nothing_is_started() {
    as_pid1_and_subreaper(|role| {
        for words in ["-- sh -c", "-P"] {
            let calls = &[libc::SYS_rt_sigtimedwait, libc::SYS_signalfd4];
            let mut rinit = Rinit::new(role)
                .before_exec(|| refuse(calls, libc::EPERM))
                .words(words);
            if words != "-P" {
                rinit = rinit.arg("echo started");
            }
            let ended = rinit.run();
            assert_eq!((ended.status, &*ended.stdout), (125, ""), "{ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
            assert!(ended.stderr.starts_with("rinit: "), "{ended:?}");
        }
    });
}
