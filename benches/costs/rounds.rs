//! Rounds: all inits are measured in turn, again and again, so that what else the machine does hits
//! them alike, and the quietest rounds count.

use crate::inits::{Init, Role};
use crate::progress;

/// What each init took in each round; nothing for those that take no part.
pub struct Rounds(Vec<Vec<f64>>);

/// A figure, and between which the middle half of the quiet rounds lies.
#[derive(Clone, Copy)]
pub struct Figure {
    pub middle: f64,
    pub low: f64,
    pub high: f64,
}

impl Rounds {
    /// `what` is shown while it lasts.
    pub fn measure(
        what: &str,
        inits: &[Init],
        takes_part: impl Fn(&Init) -> bool,
        rounds: usize,
        mut sample: impl FnMut(usize, &Init) -> f64,
    ) -> Rounds {
        let mut all = vec![Vec::new(); inits.len()];
        for round in 0..rounds {
            progress::show(what, round, rounds);
            for turn in 0..inits.len() {
                // Nobody is always the first.
                let index = (turn + round) % inits.len();
                if takes_part(&inits[index]) {
                    all[index].push(sample(index, &inits[index]));
                }
            }
        }
        progress::clear();
        Rounds(all)
    }

    pub fn of(samples: Vec<Vec<f64>>) -> Rounds {
        Rounds(samples)
    }

    pub fn figures(&self) -> Vec<Option<Figure>> {
        self.compared(|samples, round| samples[round])
    }

    /// As ratios to the best of the peers.
    pub fn beside_the_best(&self, inits: &[Init]) -> Option<Vec<Option<Figure>>> {
        let figures = self.figures();
        let (best, _) = (0..inits.len())
            .filter(|&index| inits[index].role == Role::Peer)
            .filter_map(|index| Some((index, figures[index]?.middle)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        self.beside(best)
    }

    /// As ratios to this one, round by round.
    pub fn beside(&self, yardstick: usize) -> Option<Vec<Option<Figure>>> {
        let one = &self.0[yardstick];
        (!one.is_empty()).then(|| self.compared(|samples, round| samples[round] / one[round]))
    }

    fn compared(&self, value: impl Fn(&[f64], usize) -> f64) -> Vec<Option<Figure>> {
        let quiet = self.quietest();
        let figure = |samples: &Vec<f64>| {
            let values = |samples| quiet.iter().map(|&round| value(samples, round)).collect();
            (!samples.is_empty()).then(|| Figure::of(values(samples)))
        };
        self.0.iter().map(figure).collect()
    }

    /// The quarter of the rounds in which all together took the least, each measured by its own best.
    fn quietest(&self) -> Vec<usize> {
        let taking_part = || self.0.iter().filter(|samples| !samples.is_empty());
        let count = taking_part().map(Vec::len).min().unwrap_or(0);
        let noise = |round: usize| -> f64 {
            taking_part()
                .map(|samples| {
                    let best = samples.iter().copied().fold(f64::INFINITY, f64::min);
                    samples[round] / best.max(f64::MIN_POSITIVE)
                })
                .sum()
        };
        let mut rounds: Vec<_> = (0..count).collect();
        rounds.sort_by(|&one, &other| noise(one).total_cmp(&noise(other)));
        rounds.truncate(count.div_ceil(4));
        rounds
    }
}

impl Figure {
    fn of(mut values: Vec<f64>) -> Figure {
        values.sort_by(f64::total_cmp);
        let at = |part: usize| values[(values.len() - 1) * part / 4];
        Figure {
            middle: at(2),
            low: at(1),
            high: at(3),
        }
    }
}

/// The least of each figure in so many trials.
pub fn best_of<const N: usize>(trials: usize, mut sample: impl FnMut() -> [f64; N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..trials {
        for (best, figure) in best.iter_mut().zip(sample()) {
            *best = best.min(figure);
        }
    }
    best
}
