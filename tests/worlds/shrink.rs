//! The fewest processes and events that still fail.

use crate::director::{self, Outcome};
use crate::world::{Born, Disposition, Life, Options, Parent, Place, What, World};

/// What depends on a race may not fail each time.
const TRIES: usize = 3;

/// Gives the smallest world found in which the same kind of promise is broken, and what came of it.
pub fn shrink(mut world: World, broken: &[String]) -> (World, Option<Outcome>) {
    let kind = |what: &str| what.split(':').next().unwrap_or_default().to_owned();
    let wanted: Vec<String> = broken.iter().map(|what| kind(what)).collect();
    let fails = |world: &World| {
        (0..TRIES).find_map(|_| {
            let outcome = director::run(world);
            let is_same = outcome
                .verdict
                .broken
                .iter()
                .any(|what| wanted.contains(&kind(what)));
            is_same.then_some(outcome)
        })
    };
    let mut found = fails(&world);
    if found.is_none() {
        return (world, None);
    }
    loop {
        let smaller = simpler(&world)
            .into_iter()
            .filter(|simpler| *simpler != world)
            .find_map(|simpler| Some((simpler, fails(&simpler)?)));
        let Some((simpler, outcome)) = smaller else {
            return (world, found);
        };
        world = simpler;
        found = Some(outcome);
    }
}

fn simpler(world: &World) -> Vec<World> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut World)| {
        let mut world = *world;
        change(&mut world);
        all.push(world);
    };
    for actor in (1..world.actors.len()).rev() {
        with(&|world| remove(world, actor));
    }
    for event in 0..world.events.len() {
        with(&|world| world.events.remove(event));
    }
    with(&|world| world.options = Options::default());
    with(&|world| world.options.grace_ms = None);
    with(&|world| world.options.kill_after_ms = None);
    with(&|world| world.options.daemon = false);
    with(&|world| world.options.zero_on_stop = false);
    with(&|world| world.options.expect_exit = None);
    with(&|world| world.options.rewrite = None);
    with(&|world| world.options.stop_signal = None);
    with(&|world| world.terminal = false);
    with(&|world| world.beside_pid_1 = false);
    with(&|world| world.no_pidfd = false);
    for actor in 0..world.actors.len() {
        with(&|world| world.actors[actor].on.fill(Disposition::Default));
        with(&|world| world.actors[actor].exec = false);
        with(&|world| world.actors[actor].leader_gone = false);
        with(&|world| world.actors[actor].born = Born::First);
        with(&|world| world.actors[actor].place = Place::ParentsGroup);
        with(&|world| world.actors[actor].status = 0);
        if !world.actors[actor].is_filter() {
            with(&|world| world.actors[actor].life = Life::Long);
        }
        for place in 0..world.actors[actor].on.len() {
            with(&|world| world.actors[actor].on[place] = Disposition::Default);
        }
    }
    for event in 0..world.events.len() {
        with(&|world| world.events[event].delay_ms = 0);
        with(&|world| world.events[event].settle = true);
    }
    all
}

/// Its children go to its parent, and what concerns it is gone.
fn remove(world: &mut World, actor: usize) {
    let parent = world.actors[actor].parent;
    let moved = |other: usize| if other > actor { other - 1 } else { other };
    if let Some(place) = (0..world.events.len()).rev().find(|place| {
        matches!(world.events[*place].what, What::Hit(other, _) | What::Enter(other) if other == actor)
    }) {
        world.events.remove(place);
        return remove(world, actor);
    }
    for event in world.events.iter_mut() {
        if let What::Hit(other, _) | What::Enter(other) = &mut event.what {
            *other = moved(*other);
        }
    }
    let is_filter = world.actors[actor].is_filter();
    let writes_to = world.actors[actor].writes_to;
    for other in world.actors.iter_mut() {
        if other.parent == Parent::Actor(actor) {
            other.parent = if parent == Parent::Outside {
                Parent::Actor(0)
            } else {
                parent
            };
        }
        if let Parent::Actor(parent) = &mut other.parent {
            *parent = moved(*parent);
        }
        if is_filter && other.writes_to == Some(actor) {
            other.writes_to = None;
        }
        other.writes_to = other.writes_to.map(moved);
    }
    if let Some(filter) = writes_to {
        // Nobody writes to it any more.
        world.actors[filter].life = Life::Long;
    }
    world.actors.remove(actor);
}
