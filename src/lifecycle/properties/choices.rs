//! Whatever may happen next in a small world.

use super::run::Run;
use super::world::{Birth, Proc, Setting, Step};
use crate::ending::Ending;
use crate::options::ForwardTo;
use crate::signal::{Signal, Signals};

/// A world in which little happens.
pub struct SmallWorld {
    pub setting: Setting,
    /// The kinds of signals that come.
    pub signals: [Signal; 3],
    /// Scans fail at times.
    pub scans_fail: bool,
}

/// How much may still happen.
#[derive(Clone, Copy, Hash)]
pub struct Left {
    pub steps: u32,
    pub births: u32,
    pub signals: u32,
}

impl Left {
    pub fn new(steps: u32) -> Self {
        Self {
            steps,
            births: 2,
            signals: 2,
        }
    }

    fn after(mut self, step: &Step) -> Option<Self> {
        self.steps = self.steps.checked_sub(1)?;
        match step {
            Step::Signal { .. } => self.signals = self.signals.checked_sub(1)?,
            Step::Fork(_) | Step::Enter => self.births = self.births.checked_sub(1)?,
            _ => {}
        }
        Some(self)
    }
}

impl SmallWorld {
    /// Each step that may come next, and what is left after it.
    pub fn choices(&self, run: &Run, left: Left) -> Vec<(Step, Left)> {
        if run.is_over() {
            return Vec::new();
        }
        let steps = self
            .signal_steps()
            .chain(time_steps(run))
            .chain(births(run))
            .chain([Step::Enter])
            .chain(self.deaths(run))
            .chain(self.command_ends(run))
            .chain(self.other_steps(run));
        steps
            .filter_map(|step| Some((step, left.after(&step)?)))
            .collect()
    }

    fn signal_steps(&self) -> impl Iterator<Item = Step> {
        let is_auto = self.setting.options.forward_to == ForwardTo::Auto;
        let to_command = if is_auto {
            &[false, true][..]
        } else {
            &[false]
        };
        self.signals.into_iter().flat_map(move |signal| {
            to_command
                .iter()
                .map(move |for_command_alone| Step::Signal {
                    signal,
                    for_command_alone: *for_command_alone,
                })
        })
    }

    fn deaths(&self, run: &Run) -> impl Iterator<Item = Step> {
        // Of the others', only those of daemons count.
        let endings = if self.setting.options.daemon {
            &[Ending::Exited(0), Ending::Exited(3)][..]
        } else {
            &[Ending::Exited(0)]
        };
        let others = usize::from(run.command_lives())..run.world.processes.len();
        others.flat_map(move |place| endings.iter().map(move |ending| Step::Die(place, *ending)))
    }

    fn command_ends(&self, run: &Run) -> impl Iterator<Item = Step> {
        let options = &self.setting.options;
        let killed = |by| Ending::Killed {
            by,
            core_dumped: false,
        };
        let endings = [
            (Some(Ending::Exited(7)), false),
            (options.daemon.then_some(Ending::Exited(0)), false),
            // As shells have it.
            (options.zero_on_stop.then_some(Ending::Exited(143)), false),
            (Some(killed(Signal::TERM)), false),
            (Some(killed(Signal::HUP)), false),
            (Some(killed(Signal::INT)), true),
        ];
        let endings = endings.into_iter().filter(|_| run.command_lives());
        endings.filter_map(|(ending, on_terminal)| {
            Some(Step::CommandEnds {
                ending: ending?,
                on_terminal,
            })
        })
    }

    fn other_steps(&self, run: &Run) -> impl Iterator<Item = Step> {
        let filters_wait = run.world.processes.iter().any(|it| it.waits_for_stop);
        let filters = filters_wait.then_some(Step::AskFilters);
        let proc = match run.world.proc {
            Proc::There => Proc::Failing,
            _ => Proc::There,
        };
        let proc = self.scans_fail.then_some(Step::ProcIs(proc));
        filters.into_iter().chain(proc)
    }
}

/// To the next deadline, so that everything comes before it as well as after it; to the next tick
/// of start times; and past the deadlines that tell turns apart and make old requests void.
fn time_steps(run: &Run) -> impl Iterator<Item = Step> {
    let deadline = run.lifecycle.deadline();
    let to_deadline = deadline.map(|at| {
        let nanos = run.world.now.until(at).as_nanos();
        u64::try_from(nanos.div_ceil(1_000_000)).expect("it is near")
    });
    let tick = (run.command_lives() || deadline.is_none()).then_some(10);
    let turns = (!run.command_lives()).then_some(5_000);
    let holds = run.lifecycle.stop_is_requested() && run.command_lives();
    let times = [to_deadline, tick, turns, holds.then_some(700_000)];
    times.into_iter().flatten().map(Step::Pass)
}

fn births(run: &Run) -> impl Iterator<Item = Step> {
    let plain = Birth::default();
    let shapes = [
        plain,
        Birth {
            leaves_group: true,
            ..plain
        },
        Birth {
            ignored: Signals::of(&[Signal::INT]),
            ..plain
        },
        Birth {
            caught: Signals::of(&[Signal::INT, Signal::QUIT, Signal::HUP]),
            ..plain
        },
        Birth {
            unreadable: true,
            ..plain
        },
    ];
    let processes = &run.world.processes;
    let in_group = |place: &usize| processes[*place].in_group;
    let filters = (0..processes.len())
        .filter(in_group)
        .map(move |writer| Birth {
            reads_from: Some(writer),
            ..plain
        });
    let shapes: Vec<Birth> = shapes.into_iter().chain(filters).collect();
    (0..processes.len()).flat_map(move |parent| {
        let shapes = shapes.clone().into_iter();
        shapes.map(move |shape| Step::Fork(Birth { parent, ..shape }))
    })
}
