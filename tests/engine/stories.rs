//! How containers with real software fail to stop, and what the inits change about that. Each story is
//! told without an init, with tini, with dumb-init and with rinit, under a real engine.

mod python;
mod servers;
mod stage;
mod stop_signals;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use crate::common::engine::Container;
use python::{PYTHON, PYTHON_ENTRY, PYTHON_EXEC, PYTHON_TRAP, PYTHON_TWO};
use servers::{DEAF, LEGACY, POSTFIX, SQUID, TRAP, UNBOUND, ZOMBIES};
use stage::KILLED;
use stop_signals::{DOCKER_KILL, RUN_STOP_SIGNAL, STOP_TIME, STOPSIGNAL};

/// The end of a story's Dockerfile, as people write it and as it is with rinit, and what comes of
/// it: the exit status, and what became of the work.
struct Story {
    title: &'static str,
    before: &'static str,
    after: &'static str,
    alone: (i32, &'static str),
    tini: (i32, &'static str),
    dumb_init: (i32, &'static str),
    rinit: (i32, &'static str),
}

/// In the order in which their table is printed.
const STORIES: [&Story; 16] = [
    &SQUID,
    &POSTFIX,
    &UNBOUND,
    &TRAP,
    &LEGACY,
    &PYTHON,
    &PYTHON_ENTRY,
    &PYTHON_EXEC,
    &PYTHON_TRAP,
    &PYTHON_TWO,
    &DEAF,
    &ZOMBIES,
    &STOP_TIME,
    &RUN_STOP_SIGNAL,
    &STOPSIGNAL,
    &DOCKER_KILL,
];

/// Those of README's table.
const IN_README: [&Story; 5] = [&DEAF, &PYTHON_ENTRY, &LEGACY, &SQUID, &POSTFIX];

/// The scripts that README links to.
const SCRIPTS: [&str; 3] = ["startup.sh", "entry.sh", "entry-two.sh"];

/// Seconds that the engine gives a container to stop, unless `--time` says otherwise.
const ENGINES: u32 = 10;

/// What is to end by itself gets more, since four containers at once on a busy machine are slow.
const PATIENCE: u32 = 60;

#[test]
fn readme_shows_what_is_run_here() {
    let readme = readme();
    let recipe = LEGACY.after;
    assert!(
        readme.contains(&format!("\n{recipe}\n")),
        "README lacks:\n{recipe}"
    );
    for script in SCRIPTS {
        let link = format!("[`{script}`](tests/engine/stories/{script})");
        assert!(readme.contains(&link), "README lacks {link}");
        assert!(context().join(script).exists(), "{script}");
    }
}

#[test]
fn readme_has_the_table_that_this_makes() {
    let readme: Vec<String> = readme().lines().map(without_seconds).collect();
    for story in IN_README {
        let row = without_seconds(&story.row(story.expected().map(|(status, work)| Outcome {
            seconds: 0.0,
            status,
            work: work.to_owned(),
        })));
        assert!(readme.contains(&row), "README lacks:\n{row}");
    }
}

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    std::fs::read_to_string(path).expect("README.md")
}

/// Measured anew each time, they differ a little.
fn without_seconds(row: &str) -> String {
    let cells = row
        .split("| ")
        .map(|cell| cell.split_once(" s, ").map_or(cell, |(_, rest)| rest));
    cells.collect::<Vec<_>>().join("| ")
}

/// How a container stopped, and what became of its work.
struct Outcome {
    seconds: f64,
    status: i32,
    work: String,
}

impl Story {
    fn expected(&self) -> [(i32, &'static str); 4] {
        [self.alone, self.tini, self.dumb_init, self.rinit]
    }

    /// The Dockerfile of each container, and the status that is due.
    fn containers(&self) -> [(String, i32); 4] {
        let before = self.before;
        [
            (before.to_owned(), self.alone.0),
            (
                format!("ENTRYPOINT [\"tini\", \"--\"]\n{before}"),
                self.tini.0,
            ),
            (
                format!("ENTRYPOINT [\"dumb-init\", \"--\"]\n{before}"),
                self.dumb_init.0,
            ),
            (self.after.to_owned(), self.rinit.0),
        ]
    }

    /// Lets a container with each of the inits live and stop, and compares what comes of it.
    fn tell(&self, options: &[&str], life: impl Fn(&Container, u32) -> Outcome + Sync) {
        let Some(image) = stage::image(self.before) else {
            return;
        };
        let (image, life) = (&image, &life);
        let outcomes = thread::scope(|scope| {
            let lives = self.containers().map(|(dockerfile, status)| {
                let patience = if status == KILLED { ENGINES } else { PATIENCE };
                scope.spawn(move || life(&stage::start(image, &dockerfile, options), patience))
            });
            lives.map(|life| life.join().expect("a container's life"))
        });
        let became = outcomes
            .each_ref()
            .map(|outcome| (outcome.status, &*outcome.work));
        assert_eq!(became, self.expected(), "{}", self.title);
        let [alone, .., rinit] = &outcomes;
        if alone.status == KILLED && rinit.status != KILLED {
            // Not an absolute time: both take longer on a loaded machine.
            let (alone, rinit) = (alone.seconds, rinit.seconds);
            assert!(
                rinit < alone / 2.0,
                "{}: {rinit} s, alone {alone} s",
                self.title
            );
        }
        self.write(&self.row(outcomes));
    }

    /// Of a Markdown table.
    fn row(&self, outcomes: [Outcome; 4]) -> String {
        let cells = outcomes.map(
            |Outcome {
                 seconds,
                 status,
                 work,
             }| { format!("{seconds:.1} s, {status}, {work}") },
        );
        format!("| {} | {} |", self.title, cells.join(" | "))
    }

    /// Adds a row to the table of this run, in the order of `STORIES`.
    fn write(&self, row: &str) {
        static ROWS: Mutex<BTreeMap<usize, String>> = Mutex::new(BTreeMap::new());
        println!("{row}");
        let place = STORIES.iter().position(|story| story.title == self.title);
        let mut rows = ROWS.lock().expect("the rows");
        rows.insert(place.expect("one of the stories"), row.to_owned());
        let head = "| | no init | tini | dumb-init | rinit |\n|---|---|---|---|---|\n";
        let rows: Vec<&str> = rows.values().map(String::as_str).collect();
        let table = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stories.md");
        std::fs::write(table, format!("{head}{}\n", rows.join("\n"))).expect("the table");
    }
}

fn context() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/stories")
}
