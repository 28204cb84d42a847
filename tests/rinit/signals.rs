//! Every signal reaches the command and its process group.

use crate::common::before_exec::{CAP_KILL, drop_capability};
use crate::common::{Rinit, Running, as_pid1_and_subreaper, proc, signal, skip, wait_until};
use nix::unistd::Uid;

/// A signal that comes last: whoever has it has all that was sent before, since the lowest number goes first.
const LAST: i32 = 64;

#[test]
fn all_62_signals_reach_the_command_and_its_group() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork record peer , record command")
            .start();
        rinit.ready("command");
        rinit.ready("peer");
        for number in signal::all() {
            rinit.send(number);
            rinit.says(&format!("command got {} ", signal::name(number)));
            rinit.says(&format!("peer got {} ", signal::name(number)));
        }
        assert_eq!(
            rinit.stdout.text().matches(" got ").count(),
            2 * 62,
            "each of them once"
        );
    });
}

#[test]
fn fifty_queued_signals_arrive_fifty_times() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork record peer , record command")
            .start();
        rinit.ready("command");
        rinit.ready("peer");
        for number in [32, 33, 34, 50, 63] {
            // All of them wait in rinit's queue before it sees the first.
            rinit.send(libc::SIGSTOP);
            wait_until("rinit is stopped", || proc::state(rinit.pid) == Some('T'));
            for value in 0..50 {
                rinit.queue(number, value);
            }
            rinit.send(libc::SIGCONT);
            for name in ["command", "peer"] {
                let got = format!("{name} got {} ", signal::name(number));
                rinit.stdout.wait_for("fifty signals", |text| {
                    (text.matches(&got).count() >= 50).then_some(())
                });
            }
        }
        expect_last(&rinit, &["command", "peer"]);
        assert_eq!(
            rinit.stdout.text().matches("command got RTMIN+16 ").count(),
            50,
            "and not more often"
        );
    });
}

#[test]
fn the_kernels_own_sigchld_is_not_forwarded() {
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .fixture("orphan until-eof exit 3 , record command")
            .start();
        rinit.ready("command");
        wait_until("rinit has the orphan", || {
            proc::children(rinit.pid).len() == 2
        });
        drop(rinit.stdin.take());
        wait_until("rinit has reaped the orphan", || {
            proc::children(rinit.pid).len() == 1
        });
        expect_last(&rinit, &["command"]);
        assert!(
            !rinit.stdout.text().contains("got CHLD "),
            "{}",
            rinit.stdout.text()
        );
    });
}

#[test]
fn with_single_child_only_the_command_is_signalled() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-c")
            .fixture("fork record peer , record command")
            .start();
        rinit.ready("command");
        let peer = rinit.ready("peer");
        for number in signal::all().filter(|&number| number != LAST) {
            rinit.send(number);
            rinit.says(&format!("command got {} ", signal::name(number)));
        }
        signal::send(peer, LAST).expect("the peer takes a signal");
        rinit.says(&format!("peer got {} ", signal::name(LAST)));
        assert_eq!(
            rinit.stdout.text().matches("peer got").count(),
            1,
            "{}",
            rinit.stdout.text()
        );
    });
}

#[test]
fn a_signal_is_rewritten_or_dropped() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-r TERM:INT --rewrite HUP:0 -r40:RTMIN+3 --rewrite=chld:sigusr1 -r INT:QUIT -r TSTP:0")
            .fixture("record command")
            .start();
        rinit.ready("command");
        for (sent, received) in [(15, 2), (40, 37), (17, 10), (2, 3)] {
            rinit.send(1);
            rinit.send(20);
            rinit.send(sent);
            rinit.says(&format!("command got {} ", signal::name(received)));
        }
        expect_last(&rinit, &["command"]);
        for number in [1, 15, 17, 20, 40] {
            assert!(
                !rinit
                    .stdout
                    .text()
                    .contains(&format!("got {} ", signal::name(number))),
                "{}",
                rinit.stdout.text()
            );
        }
        assert_eq!(
            rinit.stdout.text().matches("got INT ").count(),
            1,
            "rewritten once, not twice"
        );
    });
}

#[test]
fn a_terminal_stop_rewritten_to_stop_stops_the_command_until_it_is_continued() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-r TSTP:STOP")
            .fixture("sleep command")
            .start();
        let command = rinit.ready("command");
        rinit.send(libc::SIGTSTP);
        wait_until("the command is stopped", || {
            proc::state(command) == Some('T')
        });
        rinit.send(libc::SIGCONT);
        wait_until("the command is continued", || {
            proc::state(command) == Some('S')
        });
    });
}

#[test]
fn a_command_whose_group_is_gone_is_still_signalled() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role).fixture("elsewhere record command").start();
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        rinit.says("command got TERM ");
    });
}

#[test]
fn a_command_that_left_its_group_behind_is_still_signalled() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("fork record peer , elsewhere record command")
            .start();
        rinit.ready("command");
        rinit.ready("peer");
        rinit.send(libc::SIGTERM);
        rinit.says("command got TERM ");
    });
}

#[test]
fn signals_that_wait_since_before_rinit_was_executed_are_not_lost() {
    // A stop signal and CONT erase each other in the queue. The others would come from rinit's own pid, as they do
    // where its own system calls cause them.
    let left_out = [libc::SIGCONT, libc::SIGPIPE, libc::SIGXFSZ];
    let waiting = move || signal::all().filter(move |number| !left_out.contains(number));
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .before_exec(move || {
                signal::block(signal::set(signal::all()))?;
                waiting()
                    .try_for_each(|number| signal::send(nix::unistd::getpid().as_raw(), number))
            })
            .fixture("record command")
            .start();
        for number in waiting() {
            rinit.says(&format!("command got {} ", signal::name(number)));
        }
    });
}

#[test]
fn a_signal_sent_at_any_moment_of_the_start_is_not_lost() {
    let all = signal::set(signal::all());
    as_pid1_and_subreaper(|role| {
        for _ in 0..25 {
            let rinit = Rinit::new(role).fixture("sleep command").start();
            // Before it blocks them rinit has no say in what signals do. (While it waits for them it does not show that.)
            let blocks = || proc::signals(rinit.pid, "SigBlk").expect("rinit runs") & all == all;
            while !blocks() && proc::children(rinit.pid).is_empty() {}
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, 128 + libc::SIGTERM);
        }
    });
}

#[test]
fn a_command_that_rinit_may_not_signal_is_mentioned_once() {
    if !Uid::effective().is_root() {
        skip("only root can make a command of another user");
        return;
    }
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role)
            .before_exec(|| drop_capability(CAP_KILL))
            .fixture("user 1234 say ready until-eof exit 7")
            .start();
        rinit.says("ready");
        // One of root's in the group would take the signals.
        rinit.wait_until_only_command_is_left();
        for number in [libc::SIGTERM, libc::SIGUSR1, 50, libc::SIGTERM] {
            rinit.send(number);
            rinit.wait_until_taken();
        }
        drop(rinit.stdin.take());
        let ended = rinit.end();
        assert_eq!(ended.status, 7, "{}", ended.stderr);
        let mentions = ended.stderr.matches("cannot send ").count();
        assert_eq!(mentions, 1, "{}", ended.stderr);
        assert!(ended.stderr.starts_with("rinit: "), "{}", ended.stderr);
    });
}

#[test]
fn a_sigpipe_that_rinits_own_messages_caused_is_not_forwarded() {
    as_pid1_and_subreaper(|role| {
        let (reader, writer) = nix::unistd::pipe().expect("a pipe");
        drop(reader);
        let rinit = Rinit::new(role)
            .words("-vvv")
            .stderr(writer)
            .fixture("record command")
            .start();
        let command = rinit.ready("command");
        for number in [libc::SIGUSR1, libc::SIGHUP] {
            rinit.send(number);
            rinit.says(&format!("command got {} ", signal::name(number)));
        }
        expect_last(&rinit, &["command"]);
        assert!(
            !rinit.stdout.text().contains("got PIPE "),
            "{}",
            rinit.stdout.text()
        );
        rinit.send(libc::SIGPIPE);
        rinit.says("command got PIPE ");
        signal::send(command, libc::SIGKILL).expect("the command can be killed");
        assert_eq!(rinit.end().status, 128 + libc::SIGKILL);
    });
}

/// Waits until these have got all that was sent so far.
fn expect_last(rinit: &Running, names: &[&str]) {
    rinit.send(LAST);
    for name in names {
        rinit.says(&format!("{name} got {} ", signal::name(LAST)));
    }
}
