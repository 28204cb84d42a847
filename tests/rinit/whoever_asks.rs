//! Whoever asks from outside is never overruled, and what is only guessed takes no deadline away.

use std::time::{Duration, Instant};

use crate::common::output::{assert_order, got};
use crate::common::terminal::CTRL_C;
use crate::common::{Rinit, Terminal, as_pid1_and_subreaper, patiently, signal};

#[test]
fn a_term_reaches_who_was_only_reached_by_int_or_quit() {
    for first in [libc::SIGINT, libc::SIGQUIT] {
        as_pid1_and_subreaper(|role| {
            let rinit = Rinit::new(role)
                .fixture("fork linger worker TERM 0 exit 0 , sleep command")
                .start();
            rinit.ready_before_now("worker");
            rinit.ready("command");
            rinit.send(first);
            rinit.says(&format!("worker got {} ", signal::name(first)));
            // Only once COMMAND is gone.
            rinit.says("worker got CONT ");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert_eq!(got(&ended.stdout, "worker", "TERM"), 1, "{ended:?}");
        });
    }
}

#[test]
fn leftovers_are_asked_with_what_the_command_was_asked_with_where_they_catch_it() {
    for (options, sent) in [
        ("", libc::SIGQUIT),
        ("-r TERM:QUIT", libc::SIGTERM),
        ("--stop-signal USR1 -r USR1:QUIT", libc::SIGUSR1),
    ] {
        as_pid1_and_subreaper(|role| {
            // In a session of its own, as php-fpm is.
            let master = r#"setsid --fork sh -c 'trap "echo graceful; exit 0" QUIT
                trap "echo fast; exit 0" TERM
                echo started; while :; do sleep 0.02; done'
                while :; do sleep 0.02; done"#;
            let rinit = Rinit::new(role)
                .words(options)
                .words("-- sh -c")
                .arg(master)
                .start();
            rinit.says("started");
            rinit.send(sent);
            let ended = rinit.end();
            assert!(ended.stdout.contains("graceful"), "{options}: {ended:?}");
            assert!(!ended.stdout.contains("fast"), "{options}: {ended:?}");
        });
    }
}

#[test]
fn after_an_end_that_nobody_asked_for_leftovers_get_what_term_is_forwarded_as() {
    as_pid1_and_subreaper(|role| {
        for (signal, asked_with) in [
            (libc::SIGQUIT, libc::SIGQUIT),
            (libc::SIGUSR1, libc::SIGTERM),
        ] {
            let script = format!(
                r#"trap "echo asked with {signal}; exit 0" {signal}
                trap "echo asked with 15; exit 0" TERM
                echo started; while :; do sleep 0.02; done"#
            );
            let mut rinit = Rinit::new(role)
                .words("-r TERM:QUIT")
                .env("app", script)
                .script(r#"setsid --fork sh -c "$app"; read line; exit 7"#)
                .start();
            rinit.says("started");
            drop(rinit.stdin.take());
            let ended = rinit.end();
            assert_eq!(ended.status, 7, "{ended:?}");
            let said = format!("asked with {asked_with}");
            assert!(ended.stdout.contains(&said), "{ended:?}");
        }
    });
}

#[test]
fn an_int_to_the_command_alone_is_no_key_for_good() {
    as_pid1_and_subreaper(|role| {
        let words = "fork linger left TERM 0 say left-is-done exit 0 , sleep command";
        let mut terminal = Terminal::run(role, &format!("exec $RINIT fixture {words}"));
        terminal.ready("left");
        let command = terminal.ready("command");
        let start = Instant::now();
        signal::send(command, libc::SIGINT).expect("a living command");
        terminal.expect("left-is-done");
        assert!(start.elapsed() >= Duration::from_secs(4));
        assert_eq!(terminal.end(), 128 + libc::SIGINT);
    });
}

#[test]
fn a_helper_that_is_started_after_the_key_does_not_hang_for_ever() {
    as_pid1_and_subreaper(|role| {
        let words = "fork await late INT fork linger helper TERM 0 say helper-is-done exit 0 , \
                     linger cleaner TERM 0 exit 0 , sleep command";
        let mut terminal = Terminal::run(role, &format!("exec $RINIT fixture {words}"));
        terminal.ready("late");
        terminal.ready("command");
        terminal.press(CTRL_C);
        terminal.expect("helper-is-done");
        assert_eq!(terminal.end(), 128 + libc::SIGINT);
    });
}

#[test]
fn a_signal_that_is_no_stop_request_but_kills_the_command_may_have_been_one() {
    as_pid1_and_subreaper(|role| {
        let app = r#"sh -c 'trap "echo graceful; sleep 1; echo done; exit 0" USR1
            trap "echo fast; exit 0" TERM
            echo started; while :; do sleep 0.02; done'; echo no"#;
        let rinit = Rinit::new(role).words("-- sh -c").arg(app).start();
        rinit.says("started");
        rinit.send(libc::SIGUSR1);
        let ended = rinit.end();
        assert!(ended.stdout.contains("done"), "{ended:?}");
        assert!(!ended.stdout.contains("fast"), "{ended:?}");
        assert!(ended.stderr.contains("SIGUSR1"), "{ended:?}");
    });
}

#[test]
fn a_further_stop_signal_keeps_no_clock_and_says_nothing() {
    as_pid1_and_subreaper(|role| {
        // Apache answers WINCH by ending its own group with TERM.
        let apache = r#"trap "kill -TERM 0" WINCH; echo started; while :; do sleep 0.02; done"#;
        let rinit = Rinit::new(role)
            .words("--stop-signal WINCH -- sh -c")
            .arg(apache)
            .start();
        rinit.says("started");
        rinit.send(libc::SIGWINCH);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (143, ""), "{ended:?}");
    });
}

#[test]
fn leftovers_that_stop_themselves_again_and_again_have_a_deadline() {
    as_pid1_and_subreaper(|role| {
        let start = Instant::now();
        let spin = r#"trap "" TERM; while :; do kill -TSTP $$; done"#;
        let script = format!("for i in 1 2 3 4 5 6 7 8; do sh -c '{spin}' & done; exit 7");
        let ended = Rinit::new(role)
            .words("-q -t 1 -- sh -c")
            .arg(&script)
            .run();
        assert_eq!(ended.status, 7, "{ended:?}");
        assert!(
            start.elapsed() < patiently(Duration::from_secs(30)),
            "{ended:?}"
        );
    });
}

#[test]
fn with_auto_a_command_that_handles_the_signal_gets_it_alone() {
    as_pid1_and_subreaper(|role| {
        let leader = r#"trap 'kill -USR1 $worker; wait $worker; exit 3' TERM
            "$fixture" linger worker USR1 0 exit 0 & worker=$!
            echo worker is known
            while :; do wait; done"#;
        for (options, terms) in [("--forward-to auto", 0), ("-c", 0), ("", 1)] {
            let rinit = Rinit::new(role).words(options).script(leader).start();
            rinit.ready_before_now("worker");
            rinit.says("worker is known");
            rinit.send(libc::SIGTERM);
            let ended = rinit.end();
            assert_eq!(ended.status, 3, "{ended:?}");
            assert_eq!(
                got(&ended.stdout, "worker", "TERM"),
                terms,
                "{options}: {ended:?}"
            );
        }
    });
}

#[test]
fn with_auto_what_a_killed_command_leaves_leads_its_own_children() {
    as_pid1_and_subreaper(|role| {
        let shell = r#""$fixture" fork linger worker TERM 0 exit 0 , \
            linger leader TERM 300 say leader-is-done exit 0; echo no"#;
        let rinit = Rinit::new(role)
            .words("--forward-to auto")
            .script(shell)
            .start();
        rinit.ready_before_now("worker");
        rinit.ready_before_now("leader");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        let order = ["leader got TERM ", "leader-is-done", "worker got TERM "];
        assert_order(&ended.stdout, &order);
    });
}

#[test]
fn with_auto_the_group_gets_what_would_not_stop_it_otherwise() {
    for (options, script, signal, status) in [
        ("", "trap '' TERM; APP; exit 5", libc::SIGTERM, 5),
        ("--stop-signal WINCH", "APP; exit 5", libc::SIGWINCH, 5),
        ("", "APP; exit 5", libc::SIGHUP, 129),
        // Whoever ignores it would not pass it on.
        ("", "(trap '' TERM; APP; exit); exit 5", libc::SIGTERM, 143),
    ] {
        as_pid1_and_subreaper(|role| {
            let name = signal::name(signal);
            let app = format!(r#""$fixture" linger app {name} 0 exit 0"#);
            let script = &script.replace("APP", &app);
            let rinit = Rinit::new(role)
                .words("--forward-to auto")
                .words(options)
                .script(script)
                .start();
            rinit.ready_before_now("app");
            rinit.send(signal);
            let ended = rinit.end();
            assert_eq!(ended.status, status, "{script}: {ended:?}");
            assert_eq!(
                got(&ended.stdout, "app", &signal::name(signal)),
                1,
                "{script}: {ended:?}"
            );
        });
    }
}
