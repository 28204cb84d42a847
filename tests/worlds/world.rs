//! A world: a tree of processes and a course of events, drawn from a seed. Plain data, which lies in
//! memory that all of its processes share.

mod draw;
mod list;

pub use list::{List, list};

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
    /// /proc is empty.
    pub no_proc: bool,
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
    /// rinit is called tini.
    Tini,
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
    /// Takes it from rinit, until the curfew or until it is given back.
    Starve(Resource),
    Feed,
    /// Freezes an actor for so many milliseconds, or without one all of them and rinit.
    Freeze(Option<usize>, u32),
    /// rinit is watched while nothing happens.
    Quiet,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Key {
    CtrlC,
    CtrlZ,
    CtrlBackslash,
    /// The terminal goes away.
    HangUp,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Resource {
    Descriptors,
    Memory,
}

impl Key {
    pub fn signal(self) -> i32 {
        match self {
            Key::CtrlC => libc::SIGINT,
            Key::CtrlZ => libc::SIGTSTP,
            Key::CtrlBackslash => libc::SIGQUIT,
            Key::HangUp => libc::SIGHUP,
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
            To::Auto | To::Tini => {
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
}
