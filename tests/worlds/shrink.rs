//! The fewest processes and events that still fail.

use std::thread;
use std::time::{Duration, Instant};

use crate::director::{self, Outcome};
use crate::world::{Born, Disposition, Life, Options, Parent, Place, To, What, World};

/// What depends on a race may not fail each time.
const TRIES: usize = 3;
/// They mostly wait.
const AT_ONCE: usize = 12;
/// Then what has been found has to do.
const LIMIT: Duration = Duration::from_secs(90);

/// Gives the smallest world found in which the same kind of promise is broken, and what came of it.
pub fn shrink(mut world: World, broken: &[String]) -> (World, Option<Outcome>) {
    let end = Instant::now() + LIMIT;
    let wanted: Vec<&str> = broken.iter().map(|what| kind(what)).collect();
    let mut found = fails(&world, &wanted);
    while found.is_some() {
        let Some((simpler, outcome)) = first_that_fails(&world, &wanted, end) else {
            break;
        };
        world = simpler;
        found = Some(outcome);
    }
    (world, found)
}

fn kind(broken: &str) -> &str {
    broken.split(':').next().unwrap_or_default()
}

fn fails(world: &World, wanted: &[&str]) -> Option<Outcome> {
    (0..TRIES).find_map(|_| {
        let outcome = director::run(world);
        let mut broken = outcome.verdict.broken.iter();
        let is_same = broken.any(|what| wanted.contains(&kind(what)));
        is_same.then_some(outcome)
    })
}

fn first_that_fails(world: &World, wanted: &[&str], end: Instant) -> Option<(World, Outcome)> {
    let mut simpler = simpler(world);
    simpler.retain(|simpler| simpler != world);
    simpler.chunks(AT_ONCE).find_map(|worlds| {
        if Instant::now() > end {
            return None;
        }
        thread::scope(|scope| {
            let try_one = |world: &World| Some((*world, fails(world, wanted)?));
            let tries: Vec<_> = worlds
                .iter()
                .map(|world| scope.spawn(move || try_one(world)))
                .collect();
            let results = tries
                .into_iter()
                .map(|tried| tried.join().expect("no panic"));
            results.flatten().next()
        })
    })
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
    with(&|world| world.no_proc = false);
    with(&|world| world.options.forward_to = To::Group);
    with(&|world| world.patient = false);
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
        matches!(world.events[*place].what, What::Hit(other, _) | What::Enter(other) | What::Freeze(Some(other), _) if other == actor)
    }) {
        world.events.remove(place);
        return remove(world, actor);
    }
    for event in world.events.iter_mut() {
        if let What::Hit(other, _) | What::Enter(other) | What::Freeze(Some(other), _) =
            &mut event.what
        {
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
