//! Random worlds: real processes, a random course of events, and a judge that knows the contract.
//!
//! RINIT_TEST_WORLDS_SECONDS says for how long (20 by default), RINIT_TEST_WORLDS_SEED replays a single one,
//! RINIT_TEST_WORLDS_AT_ONCE how many run at a time.

#[path = "../common/mod.rs"]
mod common;

mod actor;
mod director;
mod judge;
mod kept;
mod record;
mod shrink;
mod world;

use std::fmt::Write;
use std::process::exit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use director::Outcome;
use record::{Entry, Fact};
use world::World;

fn main() {
    let mut words = std::env::args().skip(1);
    match (words.next().as_deref(), words.next()) {
        (Some("actor"), Some(number)) => actor::run(number.parse().expect("a number")),
        // What a test harness is asked.
        (Some("--list"), _) => return,
        (Some(filter), _) if !filter.starts_with('-') && !"random_worlds".contains(filter) => {
            return;
        }
        _ => {}
    }
    if !common::role::namespaces_allowed() {
        common::skip("this user may not create PID namespaces");
        return;
    }
    exit(i32::from(!search()))
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
    )
}

/// Returns whether every promise was kept.
fn search() -> bool {
    let seconds = number("RINIT_TEST_WORLDS_SECONDS").unwrap_or(20);
    let at_once = number("RINIT_TEST_WORLDS_AT_ONCE").unwrap_or(6);
    let end = Instant::now() + Duration::from_secs(seconds);
    let single = number("RINIT_TEST_WORLDS_SEED");
    let first = single.unwrap_or_else(|| fastrand::u64(..1 << 48));
    println!("random worlds from seed {first} on, for {seconds} s");
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let failed = Mutex::new(None::<(String, World, Outcome)>);
    let done = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let (name, world) = match usize::try_from(turn).ok().and_then(kept::world) {
                        Some((name, world)) if single.is_none() => (name.to_owned(), world),
                        _ => {
                            let seed = if single.is_some() {
                                first
                            } else {
                                first + turn
                            };
                            (format!("seed {seed}"), World::random(seed))
                        }
                    };
                    let is_over = Instant::now() > end || single.is_some() && turn > 0;
                    if is_over || failed.lock().expect("no panic").is_some() {
                        break;
                    }
                    let outcome = director::run(&world);
                    if outcome.verdict.broken.is_empty() {
                        done.fetch_add(1, Ordering::Relaxed);
                        if single.is_some() {
                            println!("{}", show(&world, &outcome));
                        }
                    } else {
                        failed
                            .lock()
                            .expect("no panic")
                            .get_or_insert((name, world, outcome));
                    }
                }
            });
        }
    });
    let took = begin.elapsed();
    let done = done.into_inner();
    let failed = failed.into_inner().expect("no panic");
    if let Some((name, world, outcome)) = &failed {
        println!(
            "{name} breaks a promise after {done} worlds and {took:.1?}:\n{}",
            show(world, outcome)
        );
        let (world, outcome) = shrink::shrink(*world, &outcome.verdict.broken);
        if let Some(outcome) = outcome {
            println!("{name}, shrunk:\n{}", show(&world, &outcome));
        } else {
            println!("it did not fail again");
        }
    }
    let result = if failed.is_none() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {result}. {done} passed; {} failed; 0 ignored; 0 measured; 0 filtered out; finished in {took:.2?}",
        u8::from(failed.is_some())
    );
    failed.is_none()
}

/// The world, and its record as a sequence.
fn show(world: &World, outcome: &Outcome) -> String {
    let mut text = format!("{world:?}\n");
    let start = outcome
        .entries
        .first()
        .map_or(Duration::ZERO, |entry| entry.at);
    for Entry { at, by, fact } in &outcome.entries {
        let who = by.map_or("director".to_owned(), |actor| format!("actor {actor}"));
        let fact = match fact {
            Fact::Dead { actor, .. } => format!("actor {actor} is dead"),
            fact => format!("{fact:?}"),
        };
        let _ = writeln!(
            text,
            "{:9.1} ms  {who:9} {fact}",
            (*at - start).as_secs_f64() * 1e3
        );
    }
    if !outcome.said.is_empty() {
        let _ = write!(text, "rinit printed:\n{}", outcome.said);
    }
    for broken in &outcome.verdict.broken {
        let _ = writeln!(text, "BROKEN {broken}");
    }
    text
}
