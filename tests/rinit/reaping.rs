//! Every orphan is reaped, and none is taken for the command.

use crate::common::rinit::reaping_is_forced;
use crate::common::{Rinit, as_pid1_and_subreaper, before_exec, proc, signal, wait_until};

#[test]
fn twenty_thousand_orphans_at_once_leave_no_zombie() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .fixture("orphans 20000 say done until-eof exit 42")
            .start();
        rinit.says("done");
        rinit.wait_until_only_command_is_left();
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 42, "{}", ended.stderr);
        assert_eq!(ended.stderr, "");
    });
}

#[test]
fn the_status_is_the_commands_however_many_orphans_end_with_it() {
    as_pid1_and_subreaper(|role| {
        for status in 1..20 {
            let ended = Rinit::new(role)
                .fixture(&format!("orphans 300 exit {status}"))
                .run();
            assert_eq!(ended.status, status, "{}", ended.stderr);
        }
    });
}

#[test]
fn an_orphan_is_never_taken_for_the_command() {
    as_pid1_and_subreaper(|role| {
        // One that left the group, one in it that ends by status, one that ends by a signal.
        let words =
            "orphan session exit 3 , orphan exit 4 , orphan die KILL , say done until-eof exit 42";
        let mut rinit = Rinit::new(role).fixture(words).start();
        rinit.says("done");
        rinit.wait_until_only_command_is_left();
        drop(rinit.stdin.take());
        assert_eq!(rinit.end().status, 42);
    });
}

#[test]
fn an_orphan_whose_parent_lives_outside_rinits_sight_is_reaped_too() {
    as_pid1_and_subreaper(|role| {
        // The orphan's parent is a grandchild: rinit hears nothing of that one's end.
        let words = "fork orphan await left USR1 exit 3 , sleep between , sleep command";
        let rinit = Rinit::new(role).fixture(words).start();
        let orphan = rinit.ready("left");
        let command = rinit.ready("command");
        assert_eq!(proc::parent(orphan), rinit.pid);
        signal::send(orphan, libc::SIGUSR1).expect("it lives");
        rinit.wait_until_only_command_is_left();
        assert_eq!(proc::children(rinit.pid), [command]);
    });
}

#[test]
fn an_inherited_ignored_sigchld_takes_no_status_away() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .before_exec(|| signal::ignore(libc::SIGCHLD))
            .fixture("orphan exit 3 , say done until-eof exit 42")
            .start();
        rinit.says("done");
        rinit.wait_until_only_command_is_left();
        drop(rinit.stdin.take());
        assert_eq!(rinit.end().status, 42);
    });
}

#[test]
fn warn_on_reap_logs_each_orphan() {
    if reaping_is_forced() {
        return; // The orphan that forces it would be logged as well.
    }
    as_pid1_and_subreaper(|role| {
        let words = "orphan await exits USR1 exit 3 , orphan sleep dies , until-eof exit 0";
        let mut rinit = Rinit::new(role).words("-w").fixture(words).start();
        let exits = rinit.ready("exits");
        let dies = rinit.ready("dies");
        let inner = [exits, dies].map(|pid| proc::inner_pid(pid).expect("it lives").to_string());
        signal::send(exits, libc::SIGUSR1).expect("it lives");
        let line = rinit.complains(&inner[0]);
        assert!(
            line.starts_with("rinit: ") && line.contains("fixture") && line.contains('3'),
            "{line}"
        );
        signal::send(dies, libc::SIGKILL).expect("it lives");
        let line = rinit.complains(&inner[1]);
        assert!(
            line.starts_with("rinit: ") && line.contains("fixture") && line.contains("KILL"),
            "{line}"
        );
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 0);
        assert_eq!(
            ended.stderr.lines().count(),
            2,
            "nothing of the command: {}",
            ended.stderr
        );
    });
}

#[test]
fn a_child_from_before_rinit_was_executed_is_reaped() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .before_exec(before_exec::fork_a_reader)
            .fixture("sleep command")
            .start();
        rinit.ready("command");
        wait_until("only the command and that child are there", || {
            proc::children(rinit.pid).len() == 2
        });
        drop(rinit.stdin.take());
        rinit.wait_until_only_command_is_left();
        rinit.send(libc::SIGTERM);
        assert_eq!(rinit.end().status, 128 + libc::SIGTERM);
    });
}

#[test]
fn a_child_that_was_dead_before_rinit_was_executed_is_reaped() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .before_exec(before_exec::fork_a_zombie)
            .fixture("sleep command")
            .start();
        rinit.ready("command");
        rinit.wait_until_only_command_is_left();
        let rinit = Rinit::new(role)
            .before_exec(before_exec::fork_a_zombie)
            .words("-P")
            .start();
        wait_until("nothing is left", || proc::children(rinit.pid).is_empty());
    });
}
