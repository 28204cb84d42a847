//! Nobody is asked twice to stop: by whatever signal, in whatever way, by however many stop requests.

use std::time::{Duration, Instant};

use crate::common::output::{assert_order, got};
use crate::common::terminal::CTRL_C;
use crate::common::{
    Ended, Rinit, Running, Terminal, as_pid1_and_subreaper, proc, signal, wait_until,
};

/// Comes after any stop request that was sent before, since the lowest number goes first.
const LAST: i32 = 64;

/// How long rinit takes a key for a request, which the group may have had.
const A_GUESS_LASTS: Duration = Duration::from_secs(5);

#[test]
fn a_repeated_stop_request_reaches_nobody_who_was_asked() {
    // What rinit forwards for TERM.
    for (options, asked_by) in [("", 15), ("-r TERM:INT", 2), ("-r TERM:QUIT", 3)] {
        is_asked_once(options, libc::SIGTERM, asked_by);
    }
}

/// As by Ctrl-C, or `docker kill -s INT`, before `docker stop`.
#[test]
fn who_has_had_what_term_is_forwarded_as_gets_no_second() {
    for (options, first, asked_by) in [("-r INT:TERM", 2, 15), ("-r TERM:INT", 2, 2)] {
        is_asked_once(options, first, asked_by);
    }
}

/// After that first signal and two SIGTERM more, a worker has had one request, by that signal.
fn is_asked_once(options: &str, first: i32, asked_by: i32) {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words(options)
            .fixture("fork linger app USR1 0 exit 0 , sleep command")
            .start();
        rinit.ready_before_now("app");
        rinit.ready("command");
        rinit.send(first);
        let stdout = stop_twice_more(rinit, "app").stdout;
        for number in [2, 3, 15] {
            let times = usize::from(number == asked_by);
            assert_eq!(
                got(&stdout, "app", &signal::name(number)),
                times,
                "{options}\n{stdout}"
            );
        }
    });
}

#[test]
fn who_was_asked_since_the_command_ended_is_not_asked_by_a_stop_request() {
    for options in ["", "-r TERM:INT"] {
        as_pid1_and_subreaper(|role| {
            let mut rinit = Rinit::new(role)
                .words(options)
                .fixture("fork linger left USR1 0 exit 0 , until-eof exit 7")
                .start();
            rinit.ready("left");
            drop(rinit.stdin.take());
            let stdout = stop_twice_more(rinit, "left").stdout;
            assert_eq!(got(&stdout, "left", "TERM"), 1, "{stdout}");
            assert_eq!(got(&stdout, "left", "INT"), 0, "{stdout}");
        });
    }
}

#[test]
fn a_program_that_was_stopped_by_quit_never_gets_term() {
    for (options, sent) in [("", libc::SIGQUIT), ("-r TERM:QUIT", libc::SIGTERM)] {
        as_pid1_and_subreaper(|role| {
            // It takes longer than the second after which rinit looks again.
            let rinit = Rinit::new(role)
                .words(options)
                .script(r#""$fixture" linger app QUIT 1500 say app-is-done exit 0; echo no"#)
                .start();
            rinit.ready_before_now("app");
            rinit.send(sent);
            let ended = rinit.end();
            assert_eq!(ended.status, 128 + libc::SIGQUIT, "{ended:?}");
            assert_eq!(got(&ended.stdout, "app", "QUIT"), 1, "{ended:?}");
            assert_eq!(got(&ended.stdout, "app", "TERM"), 0, "{ended:?}");
            assert!(ended.stdout.contains("app-is-done"), "{ended:?}");
        });
    }
}

#[test]
fn a_background_job_that_its_shell_made_ignore_int_is_asked_by_term() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .script(
                r#""$fixture" linger job TERM 0 say job-is-done exit 0 &
                "$fixture" linger app INT 1500 say app-is-done exit 0
                echo no"#,
            )
            .start();
        let job = rinit.ready_before_now("job");
        rinit.ready_before_now("app");
        let ignored = proc::signals(job, "SigIgn").expect("it lives");
        assert_ne!(ignored & signal::set([libc::SIGINT]), 0);
        rinit.send(libc::SIGINT);
        let ended = rinit.end();
        assert_eq!(ended.status, 128 + libc::SIGINT, "{ended:?}");
        assert_eq!(got(&ended.stdout, "job", "TERM"), 1, "{ended:?}");
        assert_eq!(got(&ended.stdout, "app", "TERM"), 0, "{ended:?}");
        assert!(ended.stdout.contains("app-is-done"), "{ended:?}");
    });
}

#[test]
fn who_was_born_after_the_signal_to_the_group_is_asked() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .script(
                r#"trap '"$fixture" linger late TERM 0 exit 0 & read line; exit 5' TERM
                "$fixture" sleep early &
                wait"#,
            )
            .start();
        rinit.ready("early");
        rinit.send(libc::SIGTERM);
        rinit.ready("late");
        let ended = end_of_command(&mut rinit, "late got TERM ");
        assert_eq!(got(&ended, "late", "TERM"), 1, "{ended}");
        assert_eq!(rinit.end().status, 5);
    });
}

#[test]
fn a_script_that_passes_the_signal_on_itself_works_with_single_child() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-c")
            .script(
                r#"trap 'kill -TERM $app; wait $app; exit 4' TERM
                "$fixture" linger other TERM 0 say other-is-done exit 0 &
                "$fixture" linger app TERM 300 say app-is-done exit 0 &
                app=$!
                echo app is known
                wait"#,
            )
            .start();
        rinit.says("app is known");
        rinit.ready_before_now("app");
        rinit.ready_before_now("other");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 4, "{ended:?}");
        // What it left behind is asked as ever.
        for name in ["app", "other"] {
            assert_eq!(got(&ended.stdout, name, "TERM"), 1, "{ended:?}");
        }
        assert_order(&ended.stdout, &["app-is-done", "other got TERM "]);
        assert!(ended.stdout.contains("other-is-done"), "{ended:?}");
    });
}

#[test]
fn a_key_at_the_terminal_asks_the_group_whomever_rinit_signals() {
    for options in ["", "-c"] {
        as_pid1_and_subreaper(|role| {
            let words = "fork linger app INT 1500 say app-is-done exit 0 , sleep command";
            let mut terminal =
                Terminal::run(role, &format!("exec $RINIT {options} fixture {words}"));
            let app = terminal.ready("app");
            proc::wait_until_older_than_a_tick(app);
            terminal.ready("command");
            let pressed = Instant::now();
            terminal.press(CTRL_C);
            terminal.expect("app got INT ");
            let rest = terminal.expect("app-is-done");
            if pressed.elapsed() < A_GUESS_LASTS {
                assert_eq!(got(&rest, "app", "TERM"), 0, "{options}: {rest}");
            } else {
                eprintln!("this machine is so late that rinit was right to ask again");
            }
            assert_eq!(terminal.end(), 128 + libc::SIGINT);
        });
    }
}

#[test]
fn a_master_stops_its_workers_itself() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .script(
                r#"sh -c '
                    trap "kill -USR2 \$worker; wait \$worker; exit 0" TERM
                    "$fixture" linger worker USR2 300 say worker-is-done exit 0 &
                    worker=$!
                    echo worker is known
                    wait' &
                read line
                exit 7"#,
            )
            .start();
        rinit.ready("worker");
        rinit.says("worker is known");
        let stdout = end_of_command(&mut rinit, "worker-is-done");
        assert_eq!(got(&stdout, "worker", "USR2"), 1, "{stdout}");
        assert_eq!(got(&stdout, "worker", "TERM"), 0, "{stdout}");
        assert_eq!(rinit.end().status, 7);
    });
}

#[test]
fn workers_that_lost_their_master_are_asked() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .fixture(
                "fork \
                    fork linger worker TERM 0 exit 0 , linger master TERM 1200 say master-is-done exit 0 , \
                until-eof exit 7",
            )
            .start();
        rinit.ready("worker");
        rinit.ready("master");
        let stdout = end_of_command(&mut rinit, "worker got TERM ");
        assert_order(
            &stdout,
            &["master got TERM ", "master-is-done", "worker got TERM "],
        );
        assert_eq!(rinit.end().status, 7);
    });
}

#[test]
fn other_signals_reach_each_child_while_draining_but_not_their_workers() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .fixture(
                "fork fork linger worker TERM 0 exit 0 , linger one USR2 0 exit 0 , \
                fork linger two USR2 0 exit 0 , \
                until-eof exit 7",
            )
            .start();
        for name in ["worker", "one", "two"] {
            rinit.ready(name);
        }
        drop(rinit.stdin.take());
        for name in ["one", "two"] {
            rinit.says(&format!("{name} got CONT "));
        }
        for number in [1, 2, 10, 12] {
            rinit.send(number);
            for name in ["one", "two"] {
                rinit.says(&format!("{name} got {} ", signal::name(number)));
            }
        }
        let ended = rinit.end();
        assert_eq!(ended.status, 7, "{ended:?}");
        for number in [1, 2, 10, 12] {
            assert_eq!(
                got(&ended.stdout, "worker", &signal::name(number)),
                0,
                "{ended:?}"
            );
        }
    });
}

#[test]
fn a_stopped_command_is_continued_by_a_stop_request() {
    for number in [libc::SIGTERM, libc::SIGQUIT, libc::SIGPWR, 37] {
        as_pid1_and_subreaper(|role| {
            let rinit = Rinit::new(role)
                .fixture(&format!("linger command {} 0 exit 3", signal::name(number)))
                .start();
            stop(rinit.ready("command"));
            rinit.send(number);
            let ended = rinit.end();
            assert_eq!(ended.status, 3, "{ended:?}");
            assert_eq!(
                got(&ended.stdout, "command", &signal::name(number)),
                1,
                "{ended:?}"
            );
        });
    }
}

#[test]
fn a_stopped_command_stays_stopped_at_any_other_signal() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("linger command TERM 0 exit 3")
            .start();
        let command = rinit.ready("command");
        stop(command);
        rinit.send(LAST);
        wait_until("the signal waits for the command", || {
            proc::signals(command, "ShdPnd") == Some(signal::set([LAST]))
        });
        assert!(proc::is_stopped(command));
    });
}

#[test]
fn a_stopped_leftover_is_continued() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .fixture("fork linger left TERM 0 exit 0 , until-eof exit 7")
            .start();
        stop(rinit.ready("left"));
        let stdout = end_of_command(&mut rinit, "left got TERM ");
        assert_eq!(got(&stdout, "left", "TERM"), 1, "{stdout}");
        assert_eq!(rinit.end().status, 7);
    });
}

#[test]
fn a_stopped_program_behind_a_shell_is_continued_and_asked_once() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .script(r#""$fixture" linger app TERM 300 say app-is-done exit 0; echo no"#)
            .start();
        stop(rinit.ready_before_now("app"));
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        assert_eq!(got(&ended.stdout, "app", "TERM"), 1, "{ended:?}");
        assert!(ended.stdout.contains("app-is-done"), "{ended:?}");
    });
}

fn stop(pid: i32) {
    signal::send(pid, libc::SIGSTOP).expect("it can be stopped");
    wait_until("it is stopped", || proc::is_stopped(pid));
}

/// Lets the command see the end of its input, and gives what has been said up to that line.
fn end_of_command(rinit: &mut Running, line: &str) -> String {
    drop(rinit.stdin.take());
    rinit.says(line);
    rinit.stdout.text()
}

/// Waits until NAME has been asked, asks rinit to stop twice more, and lets NAME go on.
fn stop_twice_more(rinit: Running, name: &str) -> Ended {
    // SIGCONT is the last thing that rinit sends to whom it tells.
    rinit.says(&format!("{name} got CONT "));
    for times in 1..=2 {
        rinit.send(libc::SIGTERM);
        rinit.send(LAST);
        rinit.stdout.wait_for("what came last", |text| {
            (got(text, name, &signal::name(LAST)) == times).then_some(())
        });
    }
    rinit.send(libc::SIGUSR1);
    rinit.end()
}
