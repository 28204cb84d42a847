//! Takes the life cycle through every history of a small world.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::choices::{Left, SmallWorld};
use super::run::Run;
use super::world::{Setting, Step};
use crate::ending::Ending;
use crate::options::Options;

/// How every history ends: past all deadlines.
const LAST: [Step; 2] = [
    Step::CommandEnds {
        ending: Ending::Exited(7),
        on_terminal: false,
    },
    Step::Pass(13_000),
];

struct Search<'a> {
    world: &'a SmallWorld,
    /// The hashes of all states so far. Of some millions, no two are likely to be the same.
    seen: HashSet<u64>,
    histories: u64,
    /// The steps to where it is.
    path: Vec<Step>,
}

impl SmallWorld {
    /// Every history of up to so many steps keeps the promises.
    pub fn keeps_the_promises(&self) {
        let steps = std::env::var("RINIT_TEST_HISTORY_STEPS");
        let steps = steps.map_or(3, |steps| steps.parse().expect("a number of steps"));
        let begun = Instant::now();
        let mut search = Search {
            world: self,
            seen: HashSet::new(),
            histories: 0,
            path: Vec::new(),
        };
        let run = Run::new(&self.setting);
        let explore = || search.explore(&run, Left::new(steps));
        if catch_unwind(AssertUnwindSafe(explore)).is_err() {
            self.explain(search.path);
        }
        let name = std::thread::current().name().map(String::from);
        let (name, states) = (name.unwrap_or_default(), search.seen.len());
        let (histories, took) = (search.histories, begun.elapsed());
        println!("{name}: {states} states, {histories} histories of {steps} steps, {took:.1?}");
    }

    fn explain(&self, mut path: Vec<Step>) -> ! {
        path.extend(LAST);
        let steps = self.shortened(path);
        println!("{:?}", self.setting);
        for step in &steps {
            println!("    {step:?}");
        }
        self.replay(&steps);
        unreachable!("a history breaks a promise each time");
    }

    /// Leaves out what a promise is broken without.
    fn shortened(&self, mut steps: Vec<Step>) -> Vec<Step> {
        let mut place = 0;
        while place < steps.len() {
            let mut fewer = steps.clone();
            fewer.remove(place);
            if catch_unwind(|| self.replay(&fewer)).is_err() {
                steps = fewer;
                place = 0;
            } else {
                place += 1;
            }
        }
        steps
    }

    fn replay(&self, steps: &[Step]) {
        let mut run = Run::new(&self.setting);
        for step in steps {
            run.take(step);
        }
        run.finish();
    }
}

impl Search<'_> {
    fn explore(&mut self, run: &Run, left: Left) {
        let mut hasher = DefaultHasher::new();
        (run, left).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return;
        }
        let choices = self.world.choices(run, left);
        if choices.is_empty() {
            let mut run = run.clone();
            LAST.iter().for_each(|step| run.take(step));
            run.finish();
            self.histories += 1;
        }
        for (step, left) in choices {
            let mut run = run.clone();
            self.path.push(step);
            run.take(&step);
            self.explore(&run, left);
            self.path.pop();
        }
    }
}

// Both are the same in all states of a world.
impl Hash for Setting {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Hash for Options {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
