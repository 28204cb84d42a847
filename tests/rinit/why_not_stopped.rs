//! A stop that takes longer than five seconds is explained: who is still there, why, and what to do.

mod another_user;

use std::path::Path;
use std::thread;

use crate::common::fuse::FuseMount;
use crate::common::tracer::Tracer;
use crate::common::{
    Rinit, Running, as_pid1, as_pid1_and_subreaper_at_once, fixture, proc, signal, wait_until,
};

/// A process as messages name it.
fn named(pid: i32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).expect("a living process");
    let inner = proc::inner_pid(pid).expect("a living process");
    format!("\"{}\" (pid {inner})", name.trim_end())
}

/// Asks it to stop, and waits for these words of the explanation, in this order.
fn explains(rinit: &Running, words: &[&str]) {
    rinit.send(libc::SIGTERM);
    is_explained(rinit, words);
}

fn is_explained(rinit: &Running, words: &[&str]) {
    let start = "rinit: still running 5 s after SIGTERM: ";
    let said = rinit
        .stderr
        .wait_for("an explanation of two lines", |text| {
            let (said, _) = text.split_at(text.rfind('\n')? + 1);
            (said.lines().count() == 2).then(|| said.to_owned())
        });
    let mut rest = said.strip_prefix(start).unwrap_or_else(|| panic!("{said}"));
    for word in words {
        let (_, behind) = rest
            .split_once(word)
            .unwrap_or_else(|| panic!("{word}: {said}"));
        rest = behind;
    }
}

const MORE_TIME: &str = "give it more time: docker stop -t 60, stop_grace_period: 60s (Compose), terminationGracePeriodSeconds: 60 (Kubernetes)\n";

#[test]
fn who_ignores_the_signal_is_named_with_the_cure() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role).fixture("ignore TERM sleep app").start();
        let app = named(rinit.ready("app"));
        explains(
            &rinit,
            &[
                &format!("{app} ignores SIGTERM\n"),
                "have the program handle SIGTERM, or send it what it does handle: rinit -r SIGTERM:SIGINT, or STOPSIGNAL SIGINT in the Dockerfile\n",
            ],
        );
    });
}

#[test]
fn who_blocks_the_signal_is_named() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role).fixture("block TERM sleep app").start();
        let app = named(rinit.ready("app"));
        explains(&rinit, &[&format!("{app} blocks SIGTERM\n")]);
    });
}

#[test]
fn who_is_stopped_is_named_and_how_to_continue_it() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role).fixture("record app").start();
        let app = rinit.ready("app");
        rinit.send(libc::SIGTERM);
        rinit.says("app got TERM ");
        // Stopped earlier, it would be continued.
        proc::wait_until_idle(rinit.pid);
        signal::send(app, libc::SIGSTOP).expect("it lives");
        let advice = format!(
            "continue it, in the container: kill -CONT {}\n",
            role.pid() + 1
        );
        is_explained(&rinit, &[&format!("{} is stopped\n", named(app)), &advice]);
    });
}

#[test]
fn a_debugger_is_named_where_it_can_be_seen() {
    as_pid1_and_subreaper_at_once(|role| {
        let words = "fork traced say tracee-is-there halt exit 0 , record app";
        let rinit = Rinit::new(role).fixture(words).start();
        rinit.says("tracee-is-there");
        let app = rinit.ready("app");
        proc::wait_until_older_than_a_tick(proc::children(app)[0]);
        let debugger = proc::inner_pid(app).expect("it lives");
        let stopped = format!("is stopped by its debugger (pid {debugger}); ");
        let waits = format!("{} waits for pid ", named(app));
        explains(&rinit, &[&stopped, &waits, "detach the debugger\n"]);

        let rinit = Rinit::new(role).fixture("sleep app").start();
        let app = rinit.ready("app");
        let name = named(app);
        let _tracer = Tracer::seize(app);
        let stopped = format!("{name} is stopped by a debugger outside the container\n");
        explains(&rinit, &[&stopped, "detach the debugger\n"]);
    });
}

#[test]
fn who_is_stuck_in_the_kernel_is_named() {
    as_pid1_and_subreaper_at_once(|role| {
        let words = "catch TERM vfork session sleep child , exit 0";
        let rinit = Rinit::new(role).fixture(words).start();
        let app = proc::parent(rinit.ready("child"));
        wait_until("it waits", || proc::state(app) == Some('D'));
        explains(
            &rinit,
            &[
                &format!("{} is stuck in the kernel", named(app)),
                "it waits for a disk, a network file system or a device: see that it answers",
                "or its cgroup is frozen: docker unpause\n",
            ],
        );
    });
}

#[test]
fn who_waits_for_a_silent_file_system_is_named_and_holds_rinit_up_in_nothing() {
    as_pid1_and_subreaper_at_once(|role| {
        let Some(mount) = FuseMount::with(Path::new("/bin/true")) else {
            return;
        };
        // Once it runs, the shell looks for nothing there but that file.
        let script = r#"trap 'exit 0' TERM; echo ready app $$; read go; read line < "$file""#;
        let mut rinit = Rinit::new(role)
            .env("file", mount.file("true"))
            .script(script)
            .start();
        let app = rinit.ready("app");
        mount.fall_silent();
        rinit.tell("go\n");
        wait_until("it waits", || {
            std::fs::read_to_string(format!("/proc/{app}/wchan"))
                .is_ok_and(|place| place != "0" && !place.contains("pipe"))
        });
        explains(
            &rinit,
            &[&format!("{} is stuck in the kernel (in ", named(app))],
        );
    });
}

#[test]
fn the_first_process_of_a_namespace_below_is_named_before_who_waits_for_it() {
    as_pid1_and_subreaper_at_once(|role| {
        let script = r#"exec unshare --pid --fork "$fixture" sleep inner"#;
        let rinit = Rinit::new(role).script(script).start();
        rinit.ready_before_now("inner");
        explains(
            &rinit,
            &[
                "is process 1 of a namespace of its own, and has no handler for SIGTERM; \"unshare\"",
                "start it there under an init (unshare --pid --fork rinit -- app), or have it handle SIGTERM\n",
            ],
        );
    });
}

#[test]
fn who_has_not_been_sent_the_signal_is_named_with_the_reason() {
    let child_of_command = "fork sleep child , record app";
    let alone = "has not been sent SIGTERM, which goes to the command alone; ";
    let without_c = "to signal the whole group: rinit --forward-to group, without -c\n";
    let auto = "--forward-to auto";
    as_pid1_and_subreaper_at_once(|role| {
        thread::scope(|scope| {
            for options in ["-c", auto] {
                scope.spawn(move || {
                    let rinit = Rinit::new(role).words(options).fixture(child_of_command);
                    let rinit = rinit.start();
                    rinit.ready("app");
                    let child = named(rinit.ready("child"));
                    explains(&rinit, &[&format!("{child} {alone}"), without_c]);
                });
            }
        });
    });
}

#[test]
fn a_child_in_a_group_of_its_own_is_named_behind_who_waits_for_it() {
    as_pid1_and_subreaper_at_once(|role| {
        // As `setsid something` in a script that does not expect it.
        let script = r#"trap wait TERM; "$fixture" session sleep child & echo ready app $$; wait"#;
        let rinit = Rinit::new(role).script(script).start();
        let app = named(rinit.ready("app"));
        let child = rinit.ready("child");
        let waits = format!(
            "{app} waits for pid {}; ",
            proc::inner_pid(child).expect("it lives")
        );
        let outside = format!(
            "{} is outside the command's process group, and has not been sent SIGTERM\n",
            named(child)
        );
        let advice = format!("have it stop what it waits for, or {MORE_TIME}");
        explains(&rinit, &[&waits, &outside, &advice]);
    });
}

#[test]
fn a_log_filter_is_not_said_to_have_received_the_signal() {
    as_pid1_and_subreaper_at_once(|role| {
        let app = fixture();
        let script = format!("trap : TERM; {} catch TERM sleep app | cat", app.display());
        let rinit = Rinit::new(role).words("-- sh -c").arg(script).start();
        let shell = proc::parent(rinit.ready("app"));
        for member in proc::children(shell) {
            proc::wait_until_older_than_a_tick(member);
        }
        explains(
            &rinit,
            &[
                "\"cat\" (pid ",
                ") reads what others write, and is sent SIGTERM after them",
            ],
        );
    });
}

#[test]
fn who_was_born_after_the_signal_is_named() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("await app TERM fork sleep child , record app")
            .start();
        rinit.ready("app");
        rinit.send(libc::SIGTERM);
        let child = named(rinit.ready("child"));
        let advice = format!("have its parent stop it, or {MORE_TIME}");
        is_explained(
            &rinit,
            &[
                &format!("{child} was started after SIGTERM was sent; "),
                &advice,
            ],
        );
    });
}

#[test]
fn who_is_not_done_is_named_once_and_may_finish() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("linger app TERM 6000 exit 0")
            .start();
        let app = named(rinit.ready("app"));
        let why = format!("{app} has received SIGTERM but has not finished\n");
        explains(&rinit, &[&why, MORE_TIME]);
        let ended = rinit.end();
        assert_eq!(ended.status, 0, "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 2, "{ended:?}");
    });
}

#[test]
fn who_goes_on_without_its_first_thread_is_named() {
    as_pid1_and_subreaper_at_once(|role| {
        let words = "thread linger app TERM 6000 exit 0";
        let rinit = Rinit::new(role).fixture(words).start();
        let app = named(rinit.ready("app"));
        wait_until("the first thread has ended", || {
            proc::state(proc::children(rinit.pid)[0]) == Some('Z')
        });
        let why = format!("{app} has received SIGTERM but has not finished\n");
        explains(&rinit, &[&why, MORE_TIME]);
        assert_eq!(rinit.end().status, 0);
    });
}

#[test]
fn who_outlives_the_command_is_named_too() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork linger left TERM 60000 exit 0 , sleep app")
            .start();
        let left = named(rinit.ready_before_now("left"));
        rinit.ready("app");
        rinit.send(libc::SIGTERM);
        rinit.complains(&format!(
            "rinit: the command has ended; waiting for {left}, which has received SIGTERM but has not finished"
        ));
    });
}

#[test]
fn those_to_blame_come_first_and_no_more_than_five_are_named() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork record busy , ignore TERM sleepers 6 sleep app")
            .start();
        rinit.ready("busy");
        let app = rinit.ready("app");
        for child in proc::children(app) {
            proc::wait_until_older_than_a_tick(child);
        }
        let ignores = ["ignores SIGTERM; "; 5];
        explains(&rinit, &[&ignores[..], &["and 3 more\n"]].concat());
    });
}

#[test]
fn a_thousand_processes_hide_no_command() {
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .fixture("ignore TERM sleepers 1500 sleep app")
            .start();
        let app = named(rinit.ready("app"));
        let names_it = format!("{app} ignores SIGTERM; ");
        explains(&rinit, &[&names_it, "; and at least 9", " more\n"]);
    });
}

#[test]
fn a_prompt_stop_and_a_thread_dump_are_no_reason_to_speak() {
    as_pid1_and_subreaper_at_once(|role| {
        thread::scope(|scope| {
            for (signal, millis) in [(libc::SIGTERM, 3000), (libc::SIGQUIT, 5500)] {
                scope.spawn(move || {
                    let words = format!("linger app {} {millis} exit 0", signal::name(signal));
                    let rinit = Rinit::new(role).fixture(&words).start();
                    rinit.ready("app");
                    rinit.send(signal);
                    let ended = rinit.end();
                    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{ended:?}");
                });
            }
        });
    });
}

#[test]
fn what_rinit_kills_is_explained_with_its_own_limits() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role).words("-k 1").fixture("record app").start();
        let app = named(rinit.ready("app"));
        rinit.send(libc::SIGTERM);
        rinit.complains(&format!(
            "rinit: time is up: killing with SIGKILL {app}, which has received SIGTERM but has not finished"
        ));
        rinit.complains("give it more time: rinit --grace 60, or --kill-after 60 if that is set");
    });
}

#[test]
fn no_name_moves_the_readers_terminal() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("call 1b5b324a0a78 ignore TERM sleep app")
            .start();
        rinit.ready("app");
        explains(&rinit, &["\"\\x1b[2J\\x0ax\" (pid ", ") ignores SIGTERM\n"]);
    });
}
