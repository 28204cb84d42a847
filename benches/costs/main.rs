//! What rinit costs beside its peers: the same work given to all of them, in turn, in one run.
//!
//!     cargo bench                             the table
//!     RINIT_BENCH_BINARY=FILE cargo bench     with FILE as the release binary, else it is that in dist/
//!     RINIT_BENCH_ROUNDS=20 cargo bench       in less time, with more noise; 200 is the default
//!     RINIT_BENCH_CHECK=true cargo bench      failure where no noise can be the reason for a figure, or a program is missing
//!     RINIT_BENCH_PICTURE=true cargo bench    the picture as well, benches/costs.svg

#[path = "../../tests/common/mod.rs"]
mod common;
mod inits;
mod outside;
mod picture;
mod pid_1;
mod programs;
mod progress;
mod rounds;
mod rows;
mod table;

use std::env;
use std::process::ExitCode;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

fn main() -> ExitCode {
    let is_asked = |name| env::var_os(name).is_some();
    let check = is_asked("RINIT_BENCH_CHECK");
    let rounds = env::var("RINIT_BENCH_ROUNDS").map_or(200, |rounds| {
        rounds.parse().expect("RINIT_BENCH_ROUNDS is a number")
    });
    let programs = match programs::Programs::build() {
        Ok(programs) => programs,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let (inits, missing) = inits::find(&programs);
    for line in &missing {
        eprintln!("{line}");
    }
    if check && !missing.is_empty() {
        return ExitCode::FAILURE;
    }
    eprintln!("measuring in {rounds} rounds (RINIT_BENCH_ROUNDS):");
    for init in &inits {
        eprintln!(
            "  {:14} {}{}",
            init.name,
            init.path.display(),
            init.role.remark()
        );
    }
    stay_on_one_processor();

    let rows = rows::measure(&inits, &programs, rounds);
    table::print(&inits, &rows);
    let missed: Vec<_> = rows
        .iter()
        .flat_map(|row| row.missed(&inits, check))
        .collect();
    for line in &missed {
        println!("{line}");
    }
    if is_asked("RINIT_BENCH_PICTURE") {
        picture::draw(&inits, &rows);
    }
    ExitCode::from(u8::from(check && !missed.is_empty()))
}

/// With all that is started from here, so that nothing depends on where the scheduler puts what.
fn stay_on_one_processor() {
    let here = Pid::from_raw(0);
    let allowed = sched_getaffinity(here).expect("the processors that may be used");
    let last = (0..CpuSet::count()).rfind(|&processor| allowed.is_set(processor).unwrap_or(false));
    let mut one = CpuSet::new();
    one.set(last.expect("a processor")).expect("its number");
    sched_setaffinity(here, &one).expect("the choice of a processor");
}
