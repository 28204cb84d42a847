//! Worlds in which a promise was broken once, by name: they come first.

use crate::world::Disposition::{Default, Handle};
use crate::world::{
    Actor, Born, Event, Key, Life, List, Options, Parent, Place, Reaction, What, When, World,
};
use crate::world::{SIGNALS, To, list};

pub fn world(place: usize) -> Option<(&'static str, World)> {
    let worlds = [
        (
            "a stopped leftover that INT finds while draining goes on",
            stopped_leftover(),
        ),
        (
            "a group that a key has asked is spared at first without /proc, too",
            key_without_proc(),
        ),
    ];
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

const OPTIONS: Options = Options {
    forward_to: To::Group,
    grace_ms: None,
    kill_after_ms: None,
    daemon: false,
    zero_on_stop: false,
    expect_exit: None,
    rewrite: None,
    stop_signal: None,
};

const WORLD: World = World {
    beside_pid_1: false,
    terminal: false,
    no_pidfd: false,
    no_proc: false,
    options: OPTIONS,
    actors: List::EMPTY,
    events: List::EMPTY,
    patient: false,
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
        actors: list([COMMAND, leftover]),
        events: list([signal(libc::SIGTERM), signal(libc::SIGINT)]),
        ..WORLD
    }
}

fn key_without_proc() -> World {
    let leftover = Actor {
        parent: Parent::Actor(0),
        on: [Handle(Reaction::GoOn); SIGNALS.len()],
        ..COMMAND
    };
    let key = Event {
        what: What::Key(Key::CtrlC),
        ..signal(0)
    };
    World {
        beside_pid_1: true,
        terminal: true,
        no_proc: true,
        actors: list([COMMAND, leftover]),
        events: list([key]),
        ..WORLD
    }
}
