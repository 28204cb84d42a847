//! A world: a tree of processes and a course of events, drawn from a seed. Plain data, which lies in
//! memory that all of its processes share.

use std::fmt;

use fastrand::Rng;

pub const MOST_ACTORS: usize = 8;
pub const MOST_EVENTS: usize = 8;
/// What an actor may do something about.
pub const SIGNALS: [i32; 11] = [
    libc::SIGTERM,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGPWR,
    libc::SIGWINCH,
    35,
    HALT,
    64,
];
/// RTMIN+3.
pub const HALT: i32 = 37;

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct World {
    pub beside_pid_1: bool,
    pub terminal: bool,
    /// pidfd_open(2) is refused: rinit reaps.
    pub no_pidfd: bool,
    pub options: Options,
    /// The first is COMMAND.
    pub actors: List<Actor, MOST_ACTORS>,
    pub events: List<Event, MOST_EVENTS>,
    /// Whether to wait for what takes seconds.
    pub patient: bool,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Options {
    pub forward_to: To,
    pub grace_ms: Option<u32>,
    pub kill_after_ms: Option<u32>,
    pub daemon: bool,
    pub zero_on_stop: bool,
    pub expect_exit: Option<i32>,
    /// 0 drops it.
    pub rewrite: Option<(i32, i32)>,
    pub stop_signal: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum To {
    #[default]
    Group,
    Command,
    Auto,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Actor {
    pub parent: Parent,
    pub born: Born,
    pub place: Place,
    /// Executes the program anew.
    pub exec: bool,
    /// A second thread runs it, and the first has ended.
    pub leader_gone: bool,
    pub on: [Disposition; SIGNALS.len()],
    pub life: Life,
    pub status: i32,
    /// The actor to whose standard input its standard output is a pipe.
    pub writes_to: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Parent {
    Rinit,
    Actor(usize),
    /// It enters from outside.
    Outside,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Born {
    First,
    /// When its parent has been asked something that it handles.
    InCleanUp,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Place {
    ParentsGroup,
    OwnGroup,
    OwnSession,
    /// Forked twice.
    Daemon,
    /// Process 1 of a PID namespace of its own.
    Nested,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Disposition {
    Default,
    Ignore,
    Block,
    Handle(Reaction),
    /// Blocked, and waited for.
    Wait(Reaction),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Reaction {
    GoOn,
    Exit {
        after_ms: u32,
    },
    Raise {
        after_ms: u32,
    },
    /// To its children, and ends with the last of them.
    PassOn,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Life {
    /// Until it is asked to end.
    Long,
    Ms(u32),
    /// Until its children have ended, as a shell does.
    Children,
    /// Until the end of its standard input.
    Input,
    /// Stops itself at first.
    Stopped,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Event {
    pub when: When,
    pub delay_ms: u32,
    /// Wait for what must come of it.
    pub settle: bool,
    pub what: What,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum When {
    Now,
    CommandHasEnded,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum What {
    Signal(i32),
    /// To an actor, past rinit.
    Hit(usize, i32),
    Enter(usize),
    Key(Key),
    /// No descriptors left for rinit, until the next.
    Starve(bool),
    /// rinit is watched while nothing happens.
    Quiet,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Key {
    CtrlC,
    CtrlZ,
    CtrlBackslash,
}

impl Key {
    pub fn signal(self) -> i32 {
        match self {
            Key::CtrlC => libc::SIGINT,
            Key::CtrlZ => libc::SIGTSTP,
            Key::CtrlBackslash => libc::SIGQUIT,
        }
    }
}

impl Actor {
    pub fn on(&self, signal: i32) -> Disposition {
        let place = SIGNALS.iter().position(|known| *known == signal);
        place.map_or(Disposition::Default, |place| self.on[place])
    }

    /// What it has received is in the record.
    pub fn notes(&self, signal: i32) -> bool {
        let on = self.on(signal);
        matches!(on, Disposition::Handle(_) | Disposition::Wait(_))
    }

    pub fn catches(&self, signal: i32) -> bool {
        matches!(self.on(signal), Disposition::Handle(_))
    }

    pub fn ignores(&self, signal: i32) -> bool {
        self.on(signal) == Disposition::Ignore
    }

    pub fn is_filter(&self) -> bool {
        self.life == Life::Input
    }
}

impl World {
    pub fn in_group(&self, actor: usize) -> bool {
        let Actor { parent, place, .. } = self.actors[actor];
        match (parent, place) {
            (Parent::Rinit, _) => true,
            (Parent::Actor(parent), Place::ParentsGroup | Place::Nested) => self.in_group(parent),
            _ => false,
        }
    }

    /// It has come from outside, or an ancestor of it has.
    pub fn entered(&self, actor: usize) -> bool {
        match self.actors[actor].parent {
            Parent::Rinit => false,
            Parent::Outside => true,
            Parent::Actor(parent) => self.entered(parent),
        }
    }

    pub fn children(&self, parent: usize) -> impl Iterator<Item = usize> {
        let is_child = move |actor: &usize| self.actors[*actor].parent == Parent::Actor(parent);
        (0..self.actors.len()).filter(is_child)
    }

    pub fn forwarded(&self, signal: i32) -> Option<i32> {
        match self.options.rewrite {
            Some((from, to)) if from == signal => Some(to).filter(|to| *to != 0),
            _ => Some(signal),
        }
    }

    pub fn is_stop(&self, signal: i32) -> bool {
        const ALWAYS: [i32; 5] = [
            libc::SIGTERM,
            libc::SIGINT,
            libc::SIGQUIT,
            libc::SIGPWR,
            HALT,
        ];
        ALWAYS.contains(&signal) || self.options.stop_signal == Some(signal)
    }

    /// Whether it goes to COMMAND's whole group. `None`: that depends on who is there.
    pub fn goes_to_group(&self, received: i32, forwarded: i32) -> Option<bool> {
        match self.options.forward_to {
            To::Group => Some(true),
            To::Command => Some(false),
            To::Auto => {
                let command = &self.actors[0];
                let dies = !command.ignores(forwarded) && forwarded != libc::SIGWINCH;
                let ignores =
                    |actor: usize| self.in_group(actor) && self.actors[actor].ignores(forwarded);
                if command.catches(forwarded) {
                    Some(false)
                } else if !self.is_stop(received) || !dies {
                    Some(true)
                } else if (1..self.actors.len()).any(ignores) {
                    None
                } else {
                    Some(false)
                }
            }
        }
    }

    pub fn random(seed: u64) -> World {
        let mut rng = Rng::with_seed(seed);
        let rng = &mut rng;
        let terminal = rng.u8(..8) == 0;
        let options = Options::random(rng);
        let mut world = World {
            beside_pid_1: rng.u8(..3) == 0,
            terminal,
            no_pidfd: rng.u8(..4) == 0,
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
                        when: When::Now,
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
                1 | 2 => To::Auto,
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
            _ if rng.u8(..12) == 0 => Parent::Outside,
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
            3 => What::Starve(rng.bool()),
            4..8 if world.terminal => What::Key(
                *rng.choice(&[Key::CtrlC, Key::CtrlZ, Key::CtrlBackslash])
                    .unwrap_or(&Key::CtrlC),
            ),
            _ => What::Signal(signal(rng)),
        };
        Event {
            when: if rng.u8(..3) == 0 {
                When::CommandHasEnded
            } else {
                When::Now
            },
            delay_ms: if rng.bool() { 0 } else { rng.u32(..40) },
            settle: rng.u8(..3) > 0,
            what,
        }
    }
}

/// A few things in a row, in place.
#[derive(Clone, Copy)]
pub struct List<T, const MOST: usize> {
    items: [Option<T>; MOST],
}

pub fn list<T: Copy, const COUNT: usize, const MOST: usize>(items: [T; COUNT]) -> List<T, MOST> {
    let mut list = List::default();
    items.into_iter().for_each(|item| list.push(item));
    list
}

impl<T: Copy, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        let items = [None; MOST];
        List { items }
    }
}

impl<T: Copy, const MOST: usize> List<T, MOST> {
    pub fn len(&self) -> usize {
        self.items.iter().flatten().count()
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().flatten()
    }

    pub fn push(&mut self, item: T) {
        self.insert(self.len(), item);
    }

    /// Where there is no room left, the last is lost.
    pub fn insert(&mut self, place: usize, item: T) {
        let place = place.min(MOST - 1);
        self.items[place..].rotate_right(1);
        self.items[place] = Some(item);
    }

    pub fn remove(&mut self, place: usize) {
        self.items[place] = None;
        self.items[place..].rotate_left(1);
    }
}

impl<T, const MOST: usize> std::ops::Index<usize> for List<T, MOST> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        self.items[place].as_ref().expect("an item")
    }
}

impl<T, const MOST: usize> std::ops::IndexMut<usize> for List<T, MOST> {
    fn index_mut(&mut self, place: usize) -> &mut T {
        self.items[place].as_mut().expect("an item")
    }
}

impl<T: Copy + PartialEq, const MOST: usize> PartialEq for List<T, MOST> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Copy + fmt::Debug, const MOST: usize> fmt::Debug for List<T, MOST> {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        // As it is written in kept.rs.
        formatter.write_str("list(")?;
        formatter.debug_list().entries(self.iter()).finish()?;
        formatter.write_str(")")
    }
}
