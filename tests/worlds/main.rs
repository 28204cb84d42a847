//! Random worlds: real processes, a random course of events, and a judge that knows the contract.
//!
//! RINIT_TEST_WORLDS_SECONDS says for how long (25 by default), RINIT_TEST_WORLDS_SEED replays a single one (0, 1
//! and so on those of kept.rs),
//! RINIT_TEST_WORLDS_AT_ONCE how many run at a time. With RINIT_TEST_WORLDS_GO_ON a failure is neither
//! the end nor shrunk.

#[path = "../common/mod.rs"]
mod common;

mod actor;
mod director;
mod judge;
mod kept;
mod machine;
mod record;
mod show;
mod shrink;
mod world;

use std::process::exit;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use director::Outcome;
use show::show;
use world::World;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["actor", number] => actor::run(number.parse().expect("a number")),
        [machine::PROBE, ..] => return,
        _ if !is_chosen(&words) => return,
        _ => {}
    }
    if !common::role::namespaces_allowed() {
        common::skip("this user may not create PID namespaces");
        return;
    }
    if common::role::linux() < (6, 15) {
        // How a process ended, whoever reaped it, is what the judge goes by.
        common::skip("this kernel is older than 6.15");
        return;
    }
    exit(i32::from(!search()))
}

/// Whether `cargo test` with these words, which every test program is given, means this one.
fn is_chosen(words: &[&str]) -> bool {
    const NAME: &str = "random_worlds";
    let mut filters = words.iter().filter(|word| !word.starts_with('-'));
    let is_for_others = |word: &&str| ["--list", "--ignored", "--skip"].contains(word);
    !words.iter().any(is_for_others) && filters.next().is_none_or(|filter| NAME.contains(filter))
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
    let seconds = number("RINIT_TEST_WORLDS_SECONDS").unwrap_or(25);
    let at_once = number("RINIT_TEST_WORLDS_AT_ONCE").unwrap_or(6);
    let goes_on = number("RINIT_TEST_WORLDS_GO_ON").is_some();
    let end = Instant::now() + Duration::from_secs(seconds);
    let single = number("RINIT_TEST_WORLDS_SEED");
    let first = single.unwrap_or_else(|| fastrand::u64(..1 << 48));
    println!("random worlds from seed {first} on, for {seconds} s");
    machine::keep_time();
    let begin = Instant::now();
    let next = AtomicU64::new(0);
    let [passed, failed] = [AtomicU64::new(0), AtomicU64::new(0)];
    // One at a time has its say.
    let say = Mutex::new(());
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let is_over = Instant::now() > end || single.is_some() && turn > 0;
                    if is_over || failed.load(Ordering::Relaxed) > 0 && !goes_on {
                        break;
                    }
                    let place = single.unwrap_or(turn);
                    let (name, world) = match usize::try_from(place).ok().and_then(kept::world) {
                        Some((name, world)) => (name.to_owned(), world),
                        _ => {
                            let seed = first + turn;
                            (format!("seed {seed}"), World::random(seed))
                        }
                    };
                    let outcome = director::run(&world);
                    let _say = say.lock().expect("no panic");
                    let is_first = failed.load(Ordering::Relaxed) == 0;
                    if outcome.verdict.broken.is_empty() {
                        passed.fetch_add(1, Ordering::Relaxed);
                        if single.is_some() {
                            println!("{}", show(&world, &outcome));
                        }
                    } else if is_first || goes_on {
                        failed.fetch_add(1, Ordering::Relaxed);
                        println!(
                            "{name} breaks a promise after {} worlds and {:.1?}:\n{}",
                            passed.load(Ordering::Relaxed),
                            begin.elapsed(),
                            show(&world, &outcome)
                        );
                        if !goes_on {
                            shrink(&name, &world, &outcome);
                        }
                    }
                }
            });
        }
    });
    let [passed, failed] = [passed, failed].map(AtomicU64::into_inner);
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {result}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2?}",
        begin.elapsed()
    );
    failed == 0
}

fn shrink(name: &str, world: &World, outcome: &Outcome) {
    let (world, shrunk) = shrink::shrink(*world, &outcome.verdict.broken);
    match shrunk {
        Some(outcome) => println!("{name}, shrunk:\n{}", show(&world, &outcome)),
        None => println!("{name} did not fail again"),
    }
}
