//! The rows of the table, and what each may come to.

use std::fs;

use crate::inits::{Init, Role};
use crate::outside;
use crate::pid_1;
use crate::programs::Programs;
use crate::rounds::{Figure, Rounds};

pub struct Row {
    pub what: &'static str,
    pub unit: Unit,
    /// One for each init that takes part.
    pub figures: Vec<Option<Figure>>,
    pub limit: Limit,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    /// The best of the peers, or a C program, is 1.
    Ratio,
    Count,
    Kib,
}

pub struct Limit {
    /// What the release binary may come to.
    pub at_most: f64,
    /// From where on not even a loaded machine explains it.
    alarm: f64,
    /// Whether the plain build may come to no more than tini-static.
    binds_plain: bool,
}

fn at_most(at_most: f64, alarm: f64) -> Limit {
    Limit {
        at_most,
        alarm,
        binds_plain: false,
    }
}

impl Limit {
    fn and_plain(self) -> Limit {
        Limit {
            binds_plain: true,
            ..self
        }
    }
}

pub fn measure(inits: &[Init], programs: &Programs, rounds: usize) -> Vec<Row> {
    let start = outside::start(inits, programs, rounds);
    let signal = outside::signal(inits, programs, rounds);
    let as_pid_1 = pid_1::measure(inits, programs, rounds);
    let memory = pid_1::memory(inits, programs, rounds.div_ceil(10));
    let left_behind = pid_1::left_behind(inits, programs, (rounds / 25).max(3));
    let sizes = Rounds::measure("sizes", inits, Init::is_complete, 1, |_, init| {
        let file = fs::metadata(&init.path).expect("a program to measure");
        file.len() as f64 / 1024.0
    });

    // Since 6.15 the kernel can reap orphans without waking PID 1.
    let (time, woken) = if kernel() >= (6, 15) {
        (0.02, 0.0)
    } else {
        (0.9, 1.0)
    };
    let best = |samples: &Rounds| samples.beside_the_best(inits);
    let least = |samples: &Rounds, name: &str| {
        let least = inits.iter().position(|init| init.name == name)?;
        let mut figures = samples.beside(least)?;
        for (figure, init) in figures.iter_mut().zip(inits) {
            figure.take_if(|_| init.role == Role::Peer);
        }
        Some(figures)
    };
    #[rustfmt::skip]
    let rows = [
        ("time added to a command that does nothing", Unit::Ratio, best(&start), at_most(0.45, 0.7).and_plain()),
        ("the same, beside minimal.c", Unit::Ratio, least(&start, "minimal.c"), at_most(1.7, 3.0)),
        ("a signal there and back", Unit::Ratio, best(&signal), at_most(1.02, 1.5).and_plain()),
        ("processor time per orphan", Unit::Ratio, best(&as_pid_1.processor), at_most(time, time + 0.1).and_plain()),
        ("wake-ups per orphan", Unit::Count, Some(as_pid_1.woken.figures()), at_most(woken, woken + 0.1).and_plain()),
        ("wake-ups per idle second", Unit::Count, Some(as_pid_1.idle.figures()), at_most(0.0, 0.1).and_plain()),
        ("private memory", Unit::Ratio, best(&memory.private), at_most(0.6, 1.0)),
        ("resident memory", Unit::Ratio, best(&memory.resident), at_most(0.45, 0.6)),
        ("size in KiB (tini and dumb-init need a libc)", Unit::Kib, Some(sizes.figures()), at_most(256.0, 256.0)),
        ("10,000 left behind, beside drain.c", Unit::Ratio, least(&left_behind, "drain.c"), at_most(1.6, 2.5)),
    ];
    let row = |(what, unit, figures, limit): (_, _, Option<_>, _)| {
        let figures = figures?;
        Some(Row {
            what,
            unit,
            figures,
            limit,
        })
    };
    rows.into_iter().filter_map(row).collect()
}

impl Row {
    /// A line for each binary that comes to more than it may.
    pub fn missed(&self, inits: &[Init], alarms_only: bool) -> Vec<String> {
        let figure = |is: &dyn Fn(&Init) -> bool| {
            let index = inits.iter().position(is)?;
            self.figures[index].map(|figure| figure.middle)
        };
        let release = figure(&|init| init.role == Role::Release);
        let plain = figure(&|init| init.role == Role::Plain);
        let tini = figure(&|init| init.name == "tini-static").filter(|_| self.limit.binds_plain);
        let (limit, slack) = if alarms_only {
            (self.limit.alarm, 1.5)
        } else {
            (self.limit.at_most, 1.0)
        };
        let binaries = [
            ("release binary", release, Some(limit)),
            ("plain build", plain, tini.map(|tini| tini * slack)),
        ];
        let line = |(who, is, limit): (_, Option<f64>, Option<f64>)| {
            let (is, limit) = is.zip(limit).filter(|(is, limit)| is > limit)?;
            let what = self.what;
            Some(format!(
                "missed: {what}, {who}: {is:.2}, at most {limit:.2}"
            ))
        };
        binaries.into_iter().filter_map(line).collect()
    }
}

/// The first two numbers of its version.
fn kernel() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release
        .split(['.', '-'])
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
