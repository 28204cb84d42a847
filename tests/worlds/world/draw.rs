//! Draws a world from a seed.

use fastrand::Rng;

use super::*;

impl World {
    pub fn random(seed: u64) -> World {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        let terminal = rng.u8(..6) == 0;
        let options = Options::random(rng);
        let mut world = World {
            beside_pid_1: rng.u8(..3) == 0,
            terminal,
            no_pidfd: rng.u8(..4) == 0,
            no_proc: rng.u8(..16) == 0,
            options,
            actors: List::default(),
            events: List::default(),
            patient: rng.u8(..40) == 0,
        };
        let count = 1 + rng.usize(..MOST_ACTORS - 1);
        for actor in 0..count {
            let drawn = Actor::random(rng, &world, actor);
            world.actors.push(drawn);
        }
        // `/etc/init.d/daemon start`.
        let starts_daemons = options.daemon && rng.bool();
        if starts_daemons {
            world.actors[0].life = Life::Ms(rng.u32(..60));
            world.actors[0].status = 0;
        }
        // A pipe in COMMAND's group, as `app | tee` and `exec > >(tee)` have it.
        if count > 1 && rng.u8(..3) == 0 {
            let reader = rng.usize(1..count);
            let writer = rng.usize(..count);
            let can = |actor: usize| {
                let Actor {
                    place, leader_gone, ..
                } = world.actors[actor];
                world.in_group(actor) && place != Place::Nested && !leader_gone
            };
            if reader != writer && can(reader) && can(writer) {
                world.actors[reader].life = Life::Input;
                world.actors[reader].born = Born::First;
                world.actors[writer].writes_to = Some(reader);
            }
        }
        for _ in 0..rng.usize(1..6) {
            let drawn = Event::random(rng, &world);
            world.events.push(drawn);
        }
        if rng.bool() {
            world.events.push(Event {
                when: When::Now,
                delay_ms: 0,
                settle: true,
                what: What::Signal(libc::SIGTERM),
            });
        }
        for actor in 0..count {
            if world.actors[actor].parent == Parent::Outside {
                let place = rng.usize(..=world.events.len());
                world.events.insert(
                    place,
                    Event {
                        when: if starts_daemons {
                            When::CommandHasEnded
                        } else {
                            When::random(rng)
                        },
                        delay_ms: 0,
                        settle: true,
                        what: What::Enter(actor),
                    },
                );
            }
        }
        world
    }
}

fn one_in<T>(rng: &mut Rng, most: u8, draw: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    (rng.u8(..most) == 0).then(|| draw(rng))
}

fn signal(rng: &mut Rng) -> i32 {
    // The usual ones more often.
    if rng.bool() {
        SIGNALS[rng.usize(..3)]
    } else {
        SIGNALS[rng.usize(..SIGNALS.len())]
    }
}

impl Options {
    fn random(rng: &mut Rng) -> Options {
        Options {
            forward_to: match rng.u8(..10) {
                0 => To::Command,
                1 => To::Auto,
                2 => To::Tini,
                _ => To::Group,
            },
            grace_ms: one_in(rng, 4, |rng| rng.u32(0..900)),
            kill_after_ms: one_in(rng, 8, |rng| rng.u32(100..900)),
            daemon: rng.u8(..6) == 0,
            zero_on_stop: rng.u8(..4) == 0,
            expect_exit: one_in(rng, 6, |rng| *rng.choice(&[0, 3, 130, 143]).unwrap_or(&0)),
            rewrite: one_in(rng, 5, |rng| {
                (signal(rng), if rng.u8(..6) == 0 { 0 } else { signal(rng) })
            }),
            stop_signal: one_in(rng, 6, |rng| {
                *rng.choice(&[libc::SIGWINCH, libc::SIGUSR1]).unwrap_or(&1)
            }),
        }
    }
}

impl Reaction {
    fn random(rng: &mut Rng) -> Reaction {
        let after_ms = match rng.u8(..8) {
            0..4 => 0,
            4 => rng.u32(300..700),
            _ => rng.u32(..120),
        };
        match rng.u8(..8) {
            0 => Reaction::GoOn,
            1 | 2 => Reaction::Raise { after_ms },
            3 => Reaction::PassOn,
            _ => Reaction::Exit { after_ms },
        }
    }
}

impl Disposition {
    fn random(rng: &mut Rng) -> Disposition {
        match rng.u8(..12) {
            0..4 => Disposition::Default,
            4 => Disposition::Ignore,
            5 => Disposition::Block,
            6 => Disposition::Wait(Reaction::random(rng)),
            _ => Disposition::Handle(Reaction::random(rng)),
        }
    }
}

impl Actor {
    fn random(rng: &mut Rng, world: &World, number: usize) -> Actor {
        let can_have_children =
            |actor: &usize| !matches!(world.actors[*actor].place, Place::Nested);
        let parents: Vec<usize> = (0..number).filter(can_have_children).collect();
        let parent = match number {
            0 => Parent::Rinit,
            _ if rng.u8(..if world.options.daemon { 4 } else { 12 }) == 0 => Parent::Outside,
            _ => Parent::Actor(*rng.choice(&parents).unwrap_or(&0)),
        };
        let place = match rng.u8(..12) {
            _ if !matches!(parent, Parent::Actor(_)) => Place::ParentsGroup,
            0 => Place::OwnGroup,
            1 | 2 => Place::OwnSession,
            3 | 4 => Place::Daemon,
            5 if rng.bool() => Place::Nested,
            _ => Place::ParentsGroup,
        };
        let on = match rng.u8(..6) {
            // A shell, and what does nothing about signals.
            0 | 1 => [Disposition::Default; SIGNALS.len()],
            // What a shell starts in the background.
            2 => {
                let mut on = [Disposition::Default; SIGNALS.len()];
                on[1] = Disposition::Ignore;
                on[2] = Disposition::Ignore;
                on[0] = Disposition::Handle(Reaction::random(rng));
                on
            }
            // A worker: INT cancels, QUIT dumps threads, TERM ends.
            3 => {
                let mut on = [Disposition::Default; SIGNALS.len()];
                on[0] = Disposition::Handle(Reaction::Exit {
                    after_ms: rng.u32(..80),
                });
                on[1] = Disposition::Handle(Reaction::GoOn);
                on[2] = Disposition::Handle(Reaction::GoOn);
                on
            }
            _ => std::array::from_fn(|_| Disposition::random(rng)),
        };
        Actor {
            parent,
            born: if number > 0 && rng.u8(..8) == 0 {
                Born::InCleanUp
            } else {
                Born::First
            },
            place,
            exec: rng.u8(..3) == 0,
            leader_gone: rng.u8(..12) == 0 && place != Place::Nested,
            on,
            life: match rng.u8(..10) {
                0 | 1 => Life::Ms(rng.u32(..250)),
                2 | 3 => Life::Children,
                4 if rng.bool() && matches!(parent, Parent::Actor(_)) && place != Place::Nested => {
                    Life::Stopped
                }
                _ => Life::Long,
            },
            status: if rng.bool() { 0 } else { rng.i32(0..256) },
            writes_to: None,
        }
    }
}

impl When {
    fn random(rng: &mut Rng) -> When {
        if rng.u8(..3) == 0 {
            When::CommandHasEnded
        } else {
            When::Now
        }
    }
}

impl Event {
    fn random(rng: &mut Rng, world: &World) -> Event {
        let what = match rng.u8(..20) {
            0 | 1 => What::Hit(
                rng.usize(..world.actors.len()),
                *rng.choice(&[
                    libc::SIGSTOP,
                    libc::SIGCONT,
                    libc::SIGKILL,
                    libc::SIGTERM,
                    libc::SIGINT,
                ])
                .unwrap_or(&libc::SIGTERM),
            ),
            2 => What::Quiet,
            3 => match rng.u8(..4) {
                0 => What::Feed,
                1 => What::Starve(Resource::Memory),
                _ => What::Starve(Resource::Descriptors),
            },
            4 if rng.u8(..4) == 0 => {
                let whom = one_in(rng, 2, |rng| rng.usize(..world.actors.len()));
                What::Freeze(whom, rng.u32(1..400))
            }
            5..14 if world.terminal => What::Key(match rng.u8(..8) {
                0 => Key::HangUp,
                1 => Key::CtrlZ,
                2 | 3 => Key::CtrlBackslash,
                _ => Key::CtrlC,
            }),
            _ => What::Signal(signal(rng)),
        };
        Event {
            when: When::random(rng),
            delay_ms: if rng.bool() { 0 } else { rng.u32(..40) },
            settle: rng.u8(..3) > 0,
            what,
        }
    }
}
