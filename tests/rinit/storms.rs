//! Signals, orphans and processes in their thousands: nothing is lost that the kernel does not drop, no zombie stays,
//! and in the end rinit holds no more than at the beginning.
//!
//! RINIT_TEST_STORMS=10 makes the storms ten times as long: a million signals, a hundred thousand orphans.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::common::cgroup::Limit;
use crate::common::output::got;
use crate::common::{
    Rinit, Running, as_pid1, as_pid1_and_subreaper, patiently, proc, signal, wait_until,
};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Together they would need more processes than a machine allows.
fn one_at_a_time() -> MutexGuard<'static, ()> {
    static STORM: Mutex<()> = Mutex::new(());
    STORM.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many times as long the storms are.
fn length() -> usize {
    std::env::var("RINIT_TEST_STORMS").map_or(1, |times| times.parse().expect("a number of times"))
}

/// How many signals to send before looking for them: half of what may wait, since others of the same user may have some
/// waiting. Where there is little memory, that is few, but for root.
fn burst() -> usize {
    const MOST: u64 = 10_000;
    const WANTED: u64 = 2 * MOST;
    let what = Resource::RLIMIT_SIGPENDING;
    let (soft, hard) = getrlimit(what).expect("a limit");
    if soft < WANTED {
        let raised = setrlimit(what, WANTED, hard.max(WANTED));
        raised
            .or_else(|_| setrlimit(what, hard, hard))
            .expect("a limit that is no higher");
    }
    let (soft, _) = getrlimit(what).expect("a limit");
    (soft.min(WANTED) / 2) as usize
}

#[test]
fn a_storm_of_signals_arrives_while_orphans_die_in_their_thousands() {
    signals_arrive_while_orphans_die(|_| {});
}

#[test]
fn a_storm_of_signals_arrives_while_rinit_itself_reaps_orphans_in_their_thousands() {
    // From a stop request on it leaves none to the kernel.
    signals_arrive_while_orphans_die(|rinit| {
        rinit.send(libc::SIGQUIT);
        rinit.wait_until_taken();
    });
}

fn signals_arrive_while_orphans_die(first: impl Fn(&Running)) {
    let _alone = one_at_a_time();
    let burst = burst();
    let (bursts, orphans) = ((100_000 * length()).div_ceil(burst), 10_000 * length());
    as_pid1(|role| {
        let mut rinit = Rinit::new(role)
            .fixture(&format!(
                "fork group orphans 1 say one-is-dead until-eof storm {orphans} \
                 say storm-is-over sleep forker , tally command {burst} TERM exit 42"
            ))
            .start();
        rinit.ready("command");
        rinit.says("one-is-dead");
        first(&rinit);
        proc::wait_until_idle(rinit.pid);
        let before = Held::by(rinit.pid);
        drop(rinit.stdin.take());
        for count in 1..=bursts {
            for index in 0..burst {
                // In the order in which the kernel hands them out, which takes it less time; none is a stop request.
                rinit.queue(38 + (index * 27 / burst) as i32, index);
                // These are merged while one of them waits, but hide none of the others.
                rinit.send([libc::SIGUSR1, libc::SIGCHLD, libc::SIGCONT][index % 3]);
            }
            rinit.says(&format!("command has {}", count * burst));
        }
        rinit.says("storm-is-over");
        rinit.wait_until_only_command_is_left();
        proc::wait_until_idle(rinit.pid);
        let now = Held::by(rinit.pid);
        assert_eq!(now.descriptors, before.descriptors);
        println!("{} kB, before {} kB", now.memory, before.memory);
        // What it had no use for until then: pages of its stack.
        assert!(now.memory <= before.memory + 64, "{} kB", now.memory);
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!((ended.status, &*ended.stderr), (42, ""));
    });
}

#[test]
fn no_signal_is_lost_that_the_kernel_has_taken_at_its_limit() {
    const LIMIT: u64 = 2_000;
    let _alone = one_at_a_time();
    as_pid1(|role| {
        let rinit = Rinit::new(role)
            .before_exec(|| {
                // Signals that wait for others of the same user count elsewhere.
                unshare(CloneFlags::CLONE_NEWUSER)?;
                Ok(setrlimit(Resource::RLIMIT_SIGPENDING, LIMIT, 2 * LIMIT)?)
            })
            .fixture("record command")
            .start();
        let command = rinit.ready("command");
        // It has room for what takes no room in rinit's queue.
        proc::limit(command, libc::RLIMIT_SIGPENDING, 2 * LIMIT);
        rinit.send(libc::SIGSTOP);
        wait_until("rinit is stopped", || proc::is_stopped(rinit.pid));
        let mut taken = 0;
        while signal::queue(rinit.pid, 35 + taken as i32 % 30, 0).is_ok() {
            taken += 1;
        }
        assert!(taken > LIMIT as usize / 2, "{taken}");
        // Without information, one of these is always taken.
        for number in [libc::SIGUSR1, libc::SIGCHLD, 34] {
            rinit.send(number);
        }
        rinit.send(libc::SIGCONT);
        rinit.says("command got USR1 ");
        rinit.says("command got RTMIN+0 ");
        wait_until("all have arrived", || {
            let text = rinit.stdout.text();
            (35..65)
                .map(|number| got(&text, "command", &signal::name(number)))
                .sum::<usize>()
                == taken
        });
        signal::send(command, libc::SIGKILL).expect("it lives");
        assert_eq!(rinit.end().status, 137);
    });
}

#[test]
fn ten_thousand_sleepers_left_behind_are_asked_and_reaped() {
    let command = format!("sleepers {MANY} say all-sleep until-eof exit 7");
    expect_end_in_time("", &command, 7, end_input);
}

#[test]
fn ten_thousand_that_ignored_the_signal_to_the_group_are_asked() {
    let command =
        format!("fork ignore INT sleepers {MANY} say all-sleep sleep mother , sleep command");
    expect_end_in_time("", &command, 130, |rinit| rinit.send(libc::SIGINT));
}

#[test]
fn ten_thousand_that_ignore_the_request_are_killed() {
    let command = format!("ignore TERM sleepers {MANY} say all-sleep until-eof exit 7");
    expect_end_in_time("-t 0.1", &command, 7, end_input);
}

const MANY: usize = 10_000;

/// Measured are tenths of a second; this is for a machine that has much else to do.
const IN_TIME: Duration = Duration::from_secs(20);

fn end_input(rinit: &mut Running) {
    drop(rinit.stdin.take());
}

/// Starts a command with its sleepers, and measures how long it takes to `stop` all of them.
fn expect_end_in_time(options: &str, command: &str, status: i32, stop: impl Fn(&mut Running)) {
    let _alone = one_at_a_time();
    as_pid1_and_subreaper(|role| {
        let mut rinit = Rinit::new(role).words(options).fixture(command).start();
        rinit.says("all-sleep");
        let start = Instant::now();
        stop(&mut rinit);
        let ended = rinit.end();
        let time = start.elapsed();
        println!("rinit {options} -- fixture {command}: {time:?}");
        assert_eq!(ended.status, status, "{ended:?}");
        assert!(time < patiently(IN_TIME), "{time:?}");
    });
}

#[test]
fn a_fork_bomb_comes_to_its_end() {
    let _alone = one_at_a_time();
    let Some(limit) = Limit::processes("bomb", 200) else {
        return;
    };
    as_pid1_and_subreaper(|role| {
        for (options, command, status) in [
            ("", "say lit bomb", 143),
            // Out of rinit's reach but for one generation after the other.
            ("-k 0.1", "fork session bomb , say lit bomb", 143),
            (
                "-t 0.1",
                "fork session bomb , say lit await command TERM exit 42",
                42,
            ),
            (
                "-k 0.1",
                "fork session bomb , ignore TERM say lit bomb",
                137,
            ),
        ] {
            let rinit = Rinit::new(role)
                .before_exec(limit.entry())
                .words(options)
                .fixture(command)
                .start();
            rinit.says("lit");
            wait_until("the bomb has all the processes", || {
                limit.read("pids.current") == Some(200)
            });
            let start = Instant::now();
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, status, "{options} -- {command}");
            println!("{role:?} {options} -- {command}: {:?}", start.elapsed());
        }
    });
}

#[test]
fn a_command_killed_in_the_middle_of_a_storm_keeps_its_status() {
    let _alone = one_at_a_time();
    let burst = burst();
    as_pid1(|role| {
        for round in 0..25 * length() {
            let mut rinit = Rinit::new(role)
                .fixture("fork until-eof storm 1000000000 , tally command 1000 TERM exit 42")
                .start();
            let command = rinit.ready("command");
            drop(rinit.stdin.take());
            // At another moment each time.
            for index in 0..burst.min(round * 40) {
                rinit.queue(34 + (index % 31) as i32, index);
            }
            signal::send(command, libc::SIGKILL).expect("it lives");
            let ended = rinit.end();
            assert_eq!(ended.status, 137, "{ended:?}");
            assert!(ended.stderr.contains("was killed by SIGKILL"), "{ended:?}");
        }
    });
}

/// What rinit holds.
struct Held {
    /// Kilobytes of its own.
    memory: u64,
    descriptors: Vec<(i32, String)>,
}

impl Held {
    fn by(pid: i32) -> Held {
        let memory = proc::status(pid, "RssAnon").expect("a living process");
        let memory = memory
            .strip_suffix(" kB")
            .and_then(|size| size.parse().ok());
        Held {
            memory: memory.expect("kilobytes"),
            descriptors: proc::descriptors(pid),
        }
    }
}
