//! Another user's process is named as any other, as far as it can be seen.

use std::ffi::CStr;
use std::io;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::unistd::Uid;

use super::{explains, named};
use crate::common::before_exec::{CAP_KILL, CAP_SYS_PTRACE, drop_capability};
use crate::common::{Rinit, as_pid1_and_subreaper_at_once, skip};

/// As root in a container, which may not trace.
#[test]
fn another_users_process_is_named_unless_proc_hides_it() {
    if !Uid::effective().is_root() {
        skip("only root can run a command as another user");
        return;
    }
    let named = ["ignores SIGTERM\n", "have the program handle SIGTERM, "];
    let hidden = [
        "processes that /proc does not show\n",
        "to see which, and why: mount /proc, without hidepid\n",
    ];
    as_pid1_and_subreaper_at_once(|role| {
        thread::scope(|scope| {
            for (hidepid, words) in [
                (c"hidepid=0", &named[..]),
                (c"hidepid=2,gid=12345", &hidden[..]),
            ] {
                scope.spawn(move || {
                    let rinit = Rinit::new(role)
                        .before_exec(move || may_not_trace(hidepid))
                        .fixture("user 1234 ignore TERM sleep app")
                        .start();
                    rinit.ready("app");
                    explains(&rinit, words);
                });
            }
        });
    });
}

fn may_not_trace(hidepid: &CStr) -> io::Result<()> {
    let none = None::<&CStr>;
    mount(none, c"/proc", none, MsFlags::MS_REMOUNT, Some(hidepid))?;
    drop_capability(CAP_SYS_PTRACE)
}

#[test]
fn another_users_process_that_rinit_may_not_signal_is_named_first() {
    if !Uid::effective().is_root() {
        skip("only root can run a command as another user");
        return;
    }
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .before_exec(|| drop_capability(CAP_KILL))
            .fixture("fork ignore TERM record own , user 1234 record app")
            .start();
        rinit.ready_before_now("own");
        let app = named(rinit.ready_before_now("app"));
        explains(
            &rinit,
            &[
                &format!("{app} runs as another user, and rinit may not signal it; "),
                " ignores SIGTERM\n",
                "run rinit as root, as that user, or with the KILL capability\n",
            ],
        );
    });
}
