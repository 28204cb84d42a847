//! What can be timed from outside, beside another PID 1.

use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::inits::{Init, quiet};
use crate::programs::Programs;
use crate::rounds::{Rounds, best_of};

/// How much longer than alone a command that ends at once takes behind an init.
pub fn start(inits: &[Init], programs: &Programs, rounds: usize) -> Rounds {
    let mut alone = quiet(&programs.noop);
    let mut behind: Vec<_> = inits
        .iter()
        .map(|init| init.command(&programs.noop))
        .collect();
    let takes_part = |init: &Init| init.name != "drain.c";
    Rounds::measure("starting", inits, takes_part, rounds, |index, _| {
        // In turn, so that both meet the same noise.
        let [alone, behind] = best_of(10, || [time(&mut alone), time(&mut behind[index])]);
        behind - alone
    })
}

fn time(command: &mut Command) -> f64 {
    let before = Instant::now();
    let status = command.status().expect("a program to measure");
    let time = before.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time.as_secs_f64()
}

/// From a command to the init and back.
pub fn signal(inits: &[Init], programs: &Programs, rounds: usize) -> Rounds {
    let ping = |init: &Init| {
        let mut command = init.command(&programs.work);
        command.args(["ping", "500"]).stdout(Stdio::piped());
        command
    };
    let mut pings: Vec<_> = inits.iter().map(ping).collect();
    Rounds::measure("signals", inits, Init::is_complete, rounds, |index, _| {
        let [time] = best_of(5, || [said(pings[index].output())]);
        time
    })
}

fn said(output: std::io::Result<Output>) -> f64 {
    let output = output.expect("a program to measure");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().expect("nanoseconds")
}
