//! A world and what came of it, for people to read.

use std::fmt::Write;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::director::Outcome;
use crate::record::{Entry, Fact};
use crate::world::{Actor, Born, Disposition, Life, SIGNALS, World};

/// The world, and its record as a sequence.
pub fn show(world: &World, outcome: &Outcome) -> String {
    let mut text = describe(world);
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

/// What is as in most worlds goes without saying.
fn describe(world: &World) -> String {
    let mut text = String::from("rinit");
    let facts = [
        (world.beside_pid_1, "beside PID 1"),
        (world.terminal, "on a terminal"),
        (world.no_pidfd, "without pidfd_open(2)"),
        (world.no_proc, "without /proc"),
        (world.patient, "for seconds"),
    ];
    for (_, what) in facts.iter().filter(|(holds, _)| *holds) {
        let _ = write!(text, ", {what}");
    }
    let _ = writeln!(
        text,
        ": {:?} {}",
        world.options.forward_to,
        world.options.words()
    );
    for (number, actor) in world.actors.iter().enumerate() {
        let _ = writeln!(text, "actor {number}: {}", describe_actor(actor));
    }
    for event in world.events.iter() {
        let _ = writeln!(text, "{event:?}");
    }
    text
}

fn describe_actor(actor: &Actor) -> String {
    let mut text = format!(
        "parent {:?}, {:?}, {:?}",
        actor.parent, actor.place, actor.life
    );
    if actor.born == Born::InCleanUp {
        text += ", born in its clean-up";
    }
    if actor.exec {
        text += ", executed";
    }
    if actor.leader_gone {
        text += ", its first thread gone";
    }
    if actor.status != 0 || matches!(actor.life, Life::Ms(_)) {
        let _ = write!(text, ", status {}", actor.status);
    }
    if let Some(reader) = actor.writes_to {
        let _ = write!(text, ", writes to {reader}");
    }
    for (signal, on) in SIGNALS.iter().zip(actor.on) {
        if on != Disposition::Default {
            let name = Signal::try_from(*signal).map_or(signal.to_string(), |it| it.to_string());
            let _ = write!(text, "; {name} {on:?}");
        }
    }
    text
}
