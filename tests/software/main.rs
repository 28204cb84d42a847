//! What becomes of the work of real software in containers, when they are asked to stop or to reload: without an init,
//! with tini, and with rinit. A file in `programs` for each, whose first lines are rows of the table that this prints:
//!
//!     cargo test --test software -- --nocapture
//!
//! `RINIT_TEST_SOFTWARE=nginx,apache` in the environment restricts it to these programs.

#[path = "../common/mod.rs"]
mod common;

mod last_words;
mod outcome;
mod recipes;
mod row;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use common::engine::{self, Container, Image};
use common::{Directory, binary};
use outcome::Outcome;
use row::{INITS, Init, Request, Row};

/// How many containers live at the same time: most of their life is waiting.
const AT_ONCE: usize = 8;

/// What the engine gives a container to stop.
const PATIENCE: &str = "10";

#[test]
fn no_work_is_lost_that_is_kept_without_an_init_or_with_tini() {
    if engine::debian().is_none() {
        return;
    }
    let image = &image();
    let rows = rows();
    let mut lives = live_all(image, &rows.iter().collect::<Vec<_>>(), AT_ONCE);
    // A busy machine delays a program beyond what the engine gives it: once more, with nothing beside it.
    let is_suspect = |row: &&Row| !faults(row, &lives).is_empty();
    let suspects: Vec<&Row> = rows.iter().filter(is_suspect).collect();
    for row in &suspects {
        println!("once more, alone: {}", faults(row, &lives).join("; "));
    }
    lives.retain(|life| !suspects.contains(&life.row));
    lives.extend(live_all(image, &suspects, 1));

    let mut table = "| | no init | tini | rinit as `docker-init` | rinit | rinit with its option |\n|---|---|---|---|---|---|\n".to_owned();
    for row in &rows {
        let cells = INITS.map(|init| match outcome(row, init, &lives) {
            Some(outcome) => outcome.to_string(),
            None if row.inits().contains(&init) => "**never began**".to_owned(),
            None => String::new(),
        });
        table += &format!("| {row} | {} |\n", cells.join(" | "));
    }
    println!("{table}");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("software.md");
    fs::write(file, &table).expect("the table");
    let faults: Vec<String> = rows.iter().flat_map(|row| faults(row, &lives)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A container's, and what came of it, if it took work at all.
struct Life<'a> {
    row: &'a Row,
    init: Init,
    outcome: Option<Outcome>,
}

fn live_all<'a>(image: &Arc<Image>, rows: &[&'a Row], at_once: usize) -> Vec<Life<'a>> {
    let cells = rows
        .iter()
        .flat_map(|row| row.inits().into_iter().map(move |init| (*row, init)));
    let cells: &Mutex<Vec<_>> = &Mutex::new(cells.collect());
    let lives = &Mutex::new(vec![]);
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(move || {
                while let Some((row, init)) = take(cells) {
                    let outcome = thread::scope(|scope| {
                        let life = scope.spawn(|| live(image, row, init));
                        life.join().ok().flatten()
                    });
                    let life = Life { row, init, outcome };
                    lives.lock().expect("the lives").push(life);
                }
            });
        }
    });
    std::mem::take(&mut lives.lock().expect("the lives"))
}

fn outcome<'a>(row: &Row, init: Init, lives: &'a [Life]) -> Option<&'a Outcome> {
    let life = lives
        .iter()
        .find(|life| life.row == row && life.init == init);
    life?.outcome.as_ref()
}

/// Where rinit is worse than no init, or than tini.
fn faults(row: &Row, lives: &[Life]) -> Vec<String> {
    let mut faults = vec![];
    for rinit in row.held_to_it() {
        for other in row.others() {
            let is_worse = match (outcome(row, rinit, lives), outcome(row, *other, lives)) {
                (None, _) => true,
                // xvfb-run as process 1 waits for a signal that nobody sends to process 1.
                (Some(_), None) => false,
                (Some(with_rinit), Some(with_other)) => {
                    with_rinit.is_worse_than(with_other, row, rinit)
                }
            };
            if is_worse {
                faults.push(format!("{row}: {rinit:?} is worse than {other:?}"));
            }
        }
    }
    faults
}

/// A container from its start to what was lost at its end, if it took work at all.
fn live(image: &Arc<Image>, row: &Row, init: Init) -> Option<Outcome> {
    let out = Directory::new("software");
    let answer = out.path().join("answer");
    fs::write(&answer, "").expect("a file");
    for path in [out.path(), &answer] {
        fs::set_permissions(path, Permissions::from_mode(0o777)).expect("for all users");
    }
    let volumes = [
        format!("--volume={}:/software:ro", files().display()),
        format!("--volume={}:/out", out.path().display()),
    ];
    let volumes = volumes.each_ref().map(String::as_str);
    // Whoever has work done outlives the container that does it.
    let options = [&volumes[..], &["--detach", "--network=none", "--init"]].concat();
    let beside = image.start(&options, "sleep infinity");
    let id = beside.says("");
    let run = |step| {
        let words = ["/software/run", row.program.as_str(), step];
        beside.exec_words(&[], &words)
    };

    let container = start(image, row, init, &volumes, &id);
    container.says("");
    if !run("work").is_empty() {
        return None;
    }
    if let Some(signal) = &row.before {
        container.docker("kill", &["--signal", signal]);
        run("between");
    }
    fs::write(out.path().join("asked"), "").expect("a file");
    let begin = Instant::now();
    match row.request {
        Request::Stop => container.docker("stop", &["--time", PATIENCE]),
        Request::Reload => container.docker("kill", &["--signal", &row.signal]),
    };
    let seconds = begin.elapsed().as_secs_f64();
    let lost = run("lost");
    let state = container.docker(
        "inspect",
        &["--format", "{{.State.Running}} {{.State.ExitCode}}"],
    );
    let status = state.strip_prefix("false ");
    Some(Outcome {
        seconds,
        status: status.map(|status| status.parse().expect("a status")),
        lost,
    })
}

fn start(image: &Arc<Image>, row: &Row, init: Init, volumes: &[&str], beside: &str) -> Container {
    // Where the engine puts its own init, and how it calls it.
    let path = match init {
        Init::Swapped => "/sbin/docker-init",
        _ => "/sbin/rinit",
    };
    let mut options = volumes.to_vec();
    let rinit = format!("--volume={}:{path}:ro", binary().display());
    let network = format!("--network=container:{beside}");
    options.extend(["--detach", rinit.as_str(), network.as_str()]);
    let stop_signal = format!("--stop-signal={}", row.signal);
    if row.request == Request::Stop {
        options.push(&stop_signal);
    }
    if row.form == "terminal" {
        options.push("--tty");
    }
    let entrypoint = format!("--entrypoint={path}");
    let mut words = vec![];
    match init {
        Init::None => options.push("--entrypoint="),
        Init::Tini => options.extend(["--entrypoint=", "--init"]),
        Init::Swapped | Init::Entrypoint => {
            options.push(&entrypoint);
            words.push("--");
        }
        Init::WithOption => {
            options.push(&entrypoint);
            words.extend(row.option.iter().flat_map(|option| option.split(' ')));
            words.push("--");
        }
    }
    words.extend(["/software/run", &row.program, "start", &row.form]);
    image.start_words(&options, &words)
}

fn take<T>(queue: &Mutex<Vec<T>>) -> Option<T> {
    queue.lock().expect("the queue").pop()
}

fn image() -> Arc<Image> {
    // It stays, so that the engine has it the next time. Not over the engine's bridge, whose packets may be too large
    // for the machine's network.
    let options = ["--network", "host", "--tag", "rinit-software"];
    Image::build(&options, &files())
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/software")
}

/// Those of all programs, or of the ones that RINIT_TEST_SOFTWARE names.
fn rows() -> Vec<Row> {
    let only = std::env::var("RINIT_TEST_SOFTWARE").ok();
    let directory = fs::read_dir(files().join("programs")).expect("the programs");
    let mut programs: Vec<PathBuf> = directory
        .map(|entry| entry.expect("an entry").path())
        .collect();
    programs.sort_unstable();
    let mut rows = vec![];
    for path in programs {
        let program = path.file_name().and_then(|name| name.to_str());
        let program = program.expect("a name in UTF-8");
        let text = fs::read_to_string(&path).expect("a program's file");
        if only
            .as_ref()
            .is_none_or(|only| only.split(',').any(|name| name == program))
        {
            rows.extend(text.lines().map_while(|line| Row::of(program, line)));
        }
    }
    assert!(!rows.is_empty(), "no program of that name");
    rows
}
