//! What outlives the command is asked to finish and waited for. Nothing loses its last words.

use std::time::{Duration, Instant};

use crate::common::output::got;
use crate::common::outsider::{Outsider, may_enter};
use crate::common::{
    Ended, Rinit, Running, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, proc, signal,
    strace, wait_until,
};

#[test]
fn a_program_behind_a_shell_says_its_last_words() {
    as_pid1_and_subreaper(|role| {
        Rinit::new(role).stop_behind_a_shell();
    });
}

#[test]
fn two_programs_in_the_background_of_a_shell_say_their_last_words() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .script(
                r#""$fixture" linger one TERM 1500 say one-is-done exit 0 &
                "$fixture" linger two TERM 1200 say two-is-done exit 0 &
                wait"#,
            )
            .start();
        rinit.ready_before_now("one");
        rinit.ready_before_now("two");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        for name in ["one", "two"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
            let last_words = format!("{name}-is-done");
            assert!(ended.stdout.contains(&last_words), "{ended:?}");
        }
    });
}

#[test]
fn what_outlives_a_command_that_ends_by_itself_is_asked_once_and_continued() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-t 60")
            .fixture("fork linger left TERM 1200 say left-is-done exit 0 , until-eof exit 7")
            .start();
        rinit.ready("left");
        let ended = end_of_command(rinit);
        assert_eq!(ended.status, 7, "the command's own: {ended:?}");
        assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{ended:?}");
        assert_eq!(got(&ended.stdout, "left", "CONT"), 1, "{ended:?}");
        assert!(ended.stdout.contains("left-is-done"), "{ended:?}");
    });
}

#[test]
fn a_drain_that_takes_no_second_says_nothing() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork linger left TERM 0 exit 0 , until-eof exit 7")
            .start();
        rinit.ready("left");
        let start = Instant::now();
        let ended = end_of_command(rinit);
        if start.elapsed() < Duration::from_secs(1) {
            assert_eq!(ended.stderr, "");
        }
    });
}

/// What can be seen of it is dead: no /proc is to be mounted for that.
#[test]
fn a_leftover_that_ends_while_rinit_looks_for_it_needs_no_line() {
    strace::as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-t 60")
            .fixture("fork linger left TERM 1300 exit 0 , until-eof exit 7")
            .start();
        rinit.ready("left");
        let slow_search = "-e inject=getdents64:delay_enter=700000";
        let mut strace = strace::attach(&format!("strace -o /dev/null {slow_search}"), rinit.pid);
        let ended = end_of_command(rinit);
        assert_eq!(ended.status, 7, "{ended:?}");
        assert!(!ended.stderr.contains("mount /proc"), "{ended:?}");
        strace.wait().expect("a child of ours");
    });
}

#[test]
fn after_one_second_a_line_names_what_is_waited_for() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .words("-t 60")
            .fixture("fork linger left USR1 0 exit 0 , until-eof exit 7")
            .start();
        let left = rinit.ready("left");
        let start = Instant::now();
        drop(rinit.stdin.take());
        let line = rinit.complains("waiting for");
        assert!(start.elapsed() >= Duration::from_secs(1), "{line}");
        let inner = proc::inner_pid(left).expect("it lives");
        assert!(line.starts_with("rinit: "), "{line}");
        assert!(
            line.contains(&format!("\"fixture\" (pid {inner}), which")),
            "{line}"
        );
        // Later looks say nothing more.
        signal::send(left, libc::SIGUSR1).expect("it takes a signal");
        let ended = rinit.end();
        assert_eq!(ended.status, 7, "{ended:?}");
        assert_eq!(ended.stderr.matches("waiting for").count(), 1, "{ended:?}");
    });
}

#[test]
fn what_comes_as_an_orphan_while_draining_is_asked_too() {
    as_pid1_and_subreaper(|role| {
        // Three generations: the grandchild's parent is a child of no concern to rinit, and dies without a signal
        // to it.
        let mut rinit = Rinit::new(role)
            .fixture(
                "fork \
                    fork fork linger late TERM 0 exit 0 , await parent USR1 exit 0 , \
                    linger grandparent USR2 0 exit 0 , \
                until-eof exit 7",
            )
            .start();
        let late = rinit.ready("late");
        let parent = rinit.ready("parent");
        let grandparent = rinit.ready("grandparent");
        drop(rinit.stdin.take());
        rinit.says("grandparent got TERM ");
        assert_eq!(
            got(&rinit.stdout.text(), "late", "TERM"),
            0,
            "not rinit's yet"
        );
        assert_eq!(proc::parent(late), parent);
        let start = Instant::now();
        signal::send(parent, libc::SIGUSR1).expect("it takes a signal");
        rinit.says("late got TERM ");
        // And not only when the turn of others comes.
        assert!(start.elapsed() < Duration::from_secs(4));
        signal::send(grandparent, libc::SIGUSR2).expect("it takes a signal");
        assert_eq!(rinit.end().status, 7);
    });
}

#[test]
fn what_entered_from_outside_is_neither_asked_nor_waited_for() {
    if !may_enter() {
        return;
    }
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork linger left TERM 1200 exit 0 , sleep command")
            .start();
        rinit.ready_before_now("left");
        rinit.ready("command");
        let mut outsider = Outsider::enter(&rinit, "record outsider");
        outsider.output.line("ready outsider ");
        rinit.send(libc::SIGTERM);
        assert_eq!(rinit.end().status, 143);
        // It ends with the namespace, and not by a signal before.
        outsider.process.wait().expect("a child of ours");
        let said = outsider.output.text();
        assert!(!said.contains(" got "), "{said}");
    });
}

/// Whoever cannot be seen for a while is not asked blindly meanwhile, and only once afterwards.
#[test]
fn a_scan_that_fails_is_repeated() {
    if !may_enter() {
        return;
    }
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .fixture("fork linger left USR1 0 exit 0 , until-eof exit 7")
            .start();
        let left = rinit.ready("left");
        let outsider = Outsider::enter(&rinit, "record outsider");
        outsider.output.line("ready outsider ");
        let before = proc::limit(rinit.pid, libc::RLIMIT_NOFILE, 0);
        drop(rinit.stdin.take());
        // Longer than the head start.
        wait_until_awake_again(rinit.pid, 8);
        // A signal that is just forwarded waits, too.
        rinit.send(libc::SIGHUP);
        wait_until_awake_again(rinit.pid, 3);
        assert!(!rinit.stdout.text().contains(" got "));
        proc::limit(rinit.pid, libc::RLIMIT_NOFILE, before);
        rinit.says("left got HUP ");
        rinit.says("left got CONT ");
        signal::send(left, libc::SIGUSR1).expect("a living leftover");
        let ended = rinit.end();
        assert_eq!(ended.status, 7, "{ended:?}");
        for number in [libc::SIGTERM, libc::SIGHUP] {
            assert_eq!(
                got(&ended.stdout, "left", &signal::name(number)),
                1,
                "{ended:?}"
            );
        }
        let said = outsider.output.text();
        assert!(!said.contains(" got "), "{said}");
    });
}

/// Waits until it has been put to sleep so many times more.
fn wait_until_awake_again(pid: i32, times: u64) {
    let sleeps = || {
        let [voluntary, _] = proc::switches(pid);
        voluntary
            .expect("a living process")
            .parse::<u64>()
            .expect("a number")
    };
    let before = sleeps();
    wait_until(&format!("{pid} wakes up"), || sleeps() >= before + times);
}

#[test]
fn what_does_not_finish_in_the_grace_is_named_and_killed() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .words("-w -t 4")
            .fixture("fork record left , until-eof exit 7")
            .start();
        let left = rinit.ready("left");
        let inner = proc::inner_pid(left).expect("it lives");
        let start = Instant::now();
        let ended = end_of_command(rinit);
        assert!(start.elapsed() >= Duration::from_secs(4), "{ended:?}");
        assert_eq!(ended.status, 7, "{ended:?}");
        assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{ended:?}");
        let name = format!("pid {inner} (fixture)");
        let quoted = format!("\"fixture\" (pid {inner})");
        let killed = |line: &&str| line.contains("killing") && line.contains(&quoted);
        assert_eq!(
            ended.stderr.lines().filter(killed).count(),
            1,
            "{}",
            ended.stderr
        );
        let reaped = format!("reaped {name}: was killed by SIGKILL");
        assert!(ended.stderr.contains(&reaped), "{}", ended.stderr);
    });
}

#[test]
fn the_grace_is_ten_seconds_after_an_exit_that_nobody_asked_for() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork record left , until-eof exit 7")
            .start();
        rinit.ready("left");
        let start = Instant::now();
        let ended = end_of_command(rinit);
        assert!(start.elapsed() >= Duration::from_secs(10), "{ended:?}");
        assert_eq!(ended.status, 7, "{ended:?}");
        assert!(ended.stderr.contains("SIGKILL"), "{ended:?}");
    });
}

#[test]
fn after_a_stop_request_rinit_keeps_no_clock() {
    as_pid1_and_subreaper_at_once(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork linger left TERM 12000 say left-is-done exit 0 , sleep command")
            .start();
        rinit.ready_before_now("left");
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        assert_eq!(got(&ended.stdout, "left", "TERM"), 1, "{ended:?}");
        assert!(ended.stdout.contains("left-is-done"), "{ended:?}");
    });
}

#[test]
fn where_nothing_is_left_rinit_ends_with_the_command() {
    as_pid1_and_subreaper(|role| {
        expect_end_at_once(|| {
            let rinit = Rinit::new(role)
                .fixture("linger command TERM 0 exit 3")
                .start();
            rinit.ready("command");
            let start = Instant::now();
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, 3);
            start.elapsed()
        });
    });
}

#[test]
fn rinit_ends_with_the_last_of_what_was_left() {
    as_pid1_and_subreaper(|role| {
        expect_end_at_once(|| {
            let rinit = Rinit::new(role)
                .fixture("fork linger left USR1 0 exit 0 , sleep command")
                .start();
            let left = rinit.ready("left");
            rinit.ready("command");
            rinit.send(libc::SIGTERM);
            rinit.says("left got CONT ");
            let start = Instant::now();
            signal::send(left, libc::SIGUSR1).expect("it takes a signal");
            assert_eq!(rinit.end().status, 143);
            start.elapsed()
        });
    });
}

/// Lets the command see the end of its input, and waits for the end of all.
fn end_of_command(mut rinit: Running) -> Ended {
    drop(rinit.stdin.take());
    rinit.end()
}

/// Some of the attempts take less than any pause of rinit's: on a loaded machine not each of them can.
fn expect_end_at_once(attempt: impl Fn() -> Duration) {
    let mut fastest = Duration::MAX;
    for _ in 0..50 {
        fastest = fastest.min(attempt());
        if fastest < Duration::from_millis(250) {
            return;
        }
    }
    panic!("never faster than {fastest:?}");
}
