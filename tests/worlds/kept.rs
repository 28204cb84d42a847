//! Worlds in which a promise was broken once, by name: they come first.

use crate::world::Disposition::{Default, Handle};
use crate::world::{Actor, Born, Event, Life, Options, Parent, Place, Reaction, What, When, World};
use crate::world::{SIGNALS, To, list};

pub fn world(place: usize) -> Option<(&'static str, World)> {
    let worlds = [(
        "a stopped leftover that INT finds while draining goes on",
        stopped_leftover(),
    )];
    worlds.get(place).copied()
}

const COMMAND: Actor = Actor {
    parent: Parent::Rinit,
    born: Born::First,
    place: Place::ParentsGroup,
    exec: false,
    leader_gone: false,
    on: [Default; SIGNALS.len()],
    life: Life::Long,
    status: 0,
    writes_to: None,
};

fn signal(number: i32) -> Event {
    Event {
        when: When::Now,
        delay_ms: 0,
        settle: true,
        what: What::Signal(number),
    }
}

fn stopped_leftover() -> World {
    let leftover = Actor {
        parent: Parent::Actor(0),
        place: Place::Daemon,
        life: Life::Stopped,
        on: [Handle(Reaction::Exit { after_ms: 0 }); SIGNALS.len()],
        ..COMMAND
    };
    World {
        beside_pid_1: false,
        terminal: false,
        no_pidfd: false,
        options: Options {
            forward_to: To::Group,
            ..Options::default()
        },
        actors: list([COMMAND, leftover]),
        events: list([signal(libc::SIGTERM), signal(libc::SIGINT)]),
        patient: false,
    }
}
