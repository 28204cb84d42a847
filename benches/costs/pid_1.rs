//! What an init takes as PID 1 of a namespace: while there is work, and while there is none.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Running, proc, wait_until};
use crate::inits::{Init, Role};
use crate::programs::Programs;
use crate::rounds::Rounds;

pub struct AsPid1 {
    /// Nanoseconds for each orphan.
    pub processor: Rounds,
    /// Wake-ups for each orphan.
    pub woken: Rounds,
    /// Wake-ups in each second without work.
    pub idle: Rounds,
}

/// In KiB, of an init that waits for its command.
pub struct Memory {
    /// What it has written to, and so shares with nobody.
    pub private: Rounds,
    pub resident: Rounds,
}

/// What COMMAND leaves behind when it ends by itself gets it, as in src/lifecycle/drain.rs. It is
/// not counted.
const HEAD_START: Duration = Duration::from_millis(300);

const ORPHANS: u32 = 100;
const IDLE: Duration = Duration::from_secs(5);

pub fn measure(inits: &[Init], programs: &Programs, rounds: usize) -> AsPid1 {
    let start = |init: &Init| {
        let orphans = format!("orphans {ORPHANS}");
        init.is_complete()
            .then(|| init.as_pid_1(&programs.work, &orphans).start())
    };
    let mut running: Vec<_> = inits.iter().map(start).collect();
    for running in running.iter().flatten() {
        running.says("ready");
        proc::wait_until_idle(running.pid);
    }
    let pids: Vec<_> = running
        .iter()
        .map(|running| running.as_ref().map_or(0, |running| running.pid))
        .collect();
    let before: Vec<_> = pids.iter().map(|&pid| wake_ups(pid)).collect();
    sleep(IDLE);
    let idle = Rounds::measure("idling", inits, Init::is_complete, 1, |index, _| {
        (wake_ups(pids[index]) - before[index]) / IDLE.as_secs_f64()
    });

    // By the first ones an init may learn what the kernel can do for it.
    for running in running.iter_mut().flatten() {
        make_orphans(running);
    }
    let mut woken = vec![Vec::new(); inits.len()];
    let processor = Rounds::measure("orphans", inits, Init::is_complete, rounds, |index, _| {
        let running = running[index].as_mut().expect("it takes part");
        let before = (processor_time(running.pid), wake_ups(running.pid));
        make_orphans(running);
        woken[index].push((wake_ups(running.pid) - before.1) / f64::from(ORPHANS));
        (processor_time(running.pid) - before.0) / f64::from(ORPHANS)
    });
    AsPid1 {
        processor,
        woken: Rounds::of(woken),
        idle,
    }
}

/// Has the command make its orphans, and waits until they are reaped.
fn make_orphans(running: &mut Running) {
    let times = |text: &str| text.matches("done").count();
    let before = times(&running.stdout.text());
    running.tell("\n");
    running
        .stdout
        .wait_for("all orphans", |text| (times(text) > before).then_some(()));
    wait_until("the orphans are reaped", || {
        proc::children(running.pid).len() == 1
    });
}

/// Each time of a new process, as it depends on where the kernel puts the stack.
pub fn memory(inits: &[Init], programs: &Programs, rounds: usize) -> Memory {
    let mut resident = vec![Vec::new(); inits.len()];
    let private = Rounds::measure("memory", inits, Init::is_complete, rounds, |index, init| {
        let running = init.as_pid_1(&programs.work, "orphans 1").start();
        running.says("ready");
        wait_until("the init waits", || proc::state(running.pid) == Some('S'));
        resident[index].push(kib(running.pid, "Rss"));
        kib(running.pid, "Private_Dirty")
    });
    Memory {
        private,
        resident: Rounds::of(resident),
    }
}

/// A line of /proc/PID/smaps_rollup.
fn kib(pid: i32, field: &str) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("a living process");
    let value = rollup
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == field)
        .and_then(|(_, value)| value.trim().strip_suffix(" kB"));
    value.and_then(|value| value.parse().ok()).expect("a size")
}

/// How often it has gone to sleep, and so was woken; 0 of who takes no part.
fn wake_ups(pid: i32) -> f64 {
    let [voluntary, _] = proc::switches(pid);
    voluntary.map_or(0.0, |count| count.parse().expect("a count"))
}

/// In nanoseconds.
fn processor_time(pid: i32) -> f64 {
    let schedstat = fs::read_to_string(format!("/proc/{pid}/schedstat")).expect("a living process");
    let time = schedstat.split(' ').next();
    time.and_then(|time| time.parse().ok()).expect("a time")
}

/// From the end of a command that leaves thousands behind to that of the init. The peers do not
/// wait for them.
pub fn left_behind(inits: &[Init], programs: &Programs, rounds: usize) -> Rounds {
    let takes_part =
        |init: &Init| matches!(init.role, Role::Release | Role::Plain) || init.name == "drain.c";
    Rounds::measure(
        "10,000 left behind",
        inits,
        takes_part,
        rounds,
        |_, init| {
            let mut running = init.as_pid_1(&programs.work, "sleepers 10000").start();
            running.says("ready");
            let before = Instant::now();
            drop(running.stdin.take());
            let status = running.outside.wait().expect("a child of ours");
            let time = before.elapsed();
            assert!(status.success(), "{}: {status}", init.name);
            time.saturating_sub(HEAD_START).as_secs_f64()
        },
    )
}
