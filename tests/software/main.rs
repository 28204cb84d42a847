//! What becomes of the work of real software in containers, when they are asked to stop or to reload: without an init,
//! with tini, and with rinit. A file in `programs` for each, whose first lines are rows of the table that this prints:
//!
//!     cargo test --test software -- --nocapture
//!
//! `RINIT_TEST_SOFTWARE=nginx,apache` in the environment restricts it to these programs.

#[path = "../common/mod.rs"]
mod common;

mod last_words;

use std::fmt::{self, Display, Formatter};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use common::engine::{self, Container, Image};
use common::{Directory, binary};

/// How many containers live at the same time: most of their life is waiting.
const AT_ONCE: usize = 12;

/// What the engine gives a container to stop.
const PATIENCE: &str = "10";

/// The status of a container that the engine had to kill.
const KILLED: i32 = 137;

/// Between two ends that both lost nothing, on a loaded machine.
const SLACK: f64 = 4.0;

#[test]
fn no_work_is_lost_that_is_kept_without_an_init_or_with_tini() {
    if engine::debian().is_none() {
        return;
    }
    // It stays, so that the engine has it the next time. Not over the engine's bridge, whose packets may be too large
    // for the machine's network.
    let options = ["--network", "host", "--tag", "rinit-software"];
    let image = &Image::build(&options, &files());
    let rows = rows();
    let cells = rows
        .iter()
        .flat_map(|row| row.inits().into_iter().map(move |init| (row, init)));
    let cells: &Mutex<Vec<_>> = &Mutex::new(cells.collect());
    let outcomes = &Mutex::new(vec![]);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(move || {
                while let Some((row, init)) = take(cells) {
                    let outcome = thread::scope(|scope| {
                        let life = scope.spawn(|| live(image, row, init));
                        life.join().ok()
                    });
                    let mut outcomes = outcomes.lock().expect("the outcomes");
                    outcomes.push((row, init, outcome));
                }
            });
        }
    });
    let outcomes = outcomes.lock().expect("the outcomes");
    let outcome = |row: &Row, init| {
        let mut outcomes = outcomes.iter();
        let of = |found: &&(&Row, Init, Option<Outcome>)| found.0 == row && found.1 == init;
        outcomes.find(of).and_then(|(.., outcome)| outcome.as_ref())
    };

    let mut table = "| | no init | tini | rinit as `docker-init` | rinit | rinit with its option |\n|---|---|---|---|---|---|\n".to_owned();
    let mut faults = vec![];
    for row in &rows {
        let cells = INITS.map(|init| match outcome(row, init) {
            Some(outcome) => outcome.to_string(),
            None if row.inits().contains(&init) => "**never began**".to_owned(),
            None => String::new(),
        });
        table += &format!("| {row} | {} |\n", cells.join(" | "));
        for rinit in row.held_to_it() {
            for other in [Init::None, Init::Tini] {
                let (with_rinit, with_other) = (outcome(row, rinit), outcome(row, other));
                let is_worse = match (with_rinit, with_other) {
                    (None, _) => true,
                    // xvfb-run as process 1 waits for a signal that nobody sends to process 1.
                    (Some(_), None) => false,
                    // It knows no stop by this signal: tini cuts it off, rinit waits for it.
                    (Some(with_rinit), Some(with_other))
                        if rinit == Init::Swapped && row.needs_another_signal() =>
                    {
                        with_rinit.harm(row).0 > with_other.harm(row).0
                    }
                    (Some(with_rinit), Some(with_other)) => {
                        with_rinit.is_worse_than(with_other, row)
                    }
                };
                if is_worse {
                    faults.push(format!("{row}: {rinit:?} is worse than {other:?}"));
                }
            }
        }
    }
    println!("{table}");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("software.md");
    fs::write(file, &table).expect("the table");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What the container is started with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Init {
    None,
    /// `docker run --init`.
    Tini,
    /// The same, with rinit in the place of the engine's tini.
    Swapped,
    Entrypoint,
    WithOption,
}

const INITS: [Init; 5] = [
    Init::None,
    Init::Tini,
    Init::Swapped,
    Init::Entrypoint,
    Init::WithOption,
];

#[derive(PartialEq)]
struct Row {
    program: String,
    /// `exec`, or `script`: a shell stays before the program.
    form: String,
    request: Request,
    signal: String,
    /// What README says to start rinit with, where its defaults are not the best.
    option: Option<String>,
}

#[derive(PartialEq)]
enum Request {
    Stop,
    Reload,
}

impl Row {
    /// From a line such as `# exec stop TERM -c`.
    fn of(program: &str, line: &str) -> Option<Row> {
        let words: Vec<&str> = line.strip_prefix("# ")?.split(' ').collect();
        let [form @ ("exec" | "script"), request, signal, option @ ..] = words.as_slice() else {
            return None;
        };
        let request = match *request {
            "stop" => Request::Stop,
            "reload" => Request::Reload,
            other => panic!("{program}: neither stop nor reload: {other}"),
        };
        assert!(option.len() <= 1, "{program}: more than one option");
        Some(Row {
            program: program.to_owned(),
            form: (*form).to_owned(),
            request,
            signal: (*signal).to_owned(),
            option: option.first().map(|option| (*option).to_owned()),
        })
    }

    fn inits(&self) -> Vec<Init> {
        let mut inits = INITS.to_vec();
        if self.option.is_none() {
            inits.retain(|init| *init != Init::WithOption);
        }
        inits
    }

    fn needs_another_signal(&self) -> bool {
        let option = self.option.as_deref();
        option.is_some_and(|option| option.starts_with("--rewrite"))
    }

    /// Where rinit may not be worse than no init and than tini.
    fn held_to_it(&self) -> [Init; 2] {
        let entrypoint = if self.option.is_some() {
            Init::WithOption
        } else {
            Init::Entrypoint
        };
        [Init::Swapped, entrypoint]
    }
}

impl Display for Row {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        let form = if self.form == "exec" {
            ""
        } else {
            " behind a script"
        };
        let request = match self.request {
            Request::Stop => "stop",
            Request::Reload => "reload",
        };
        write!(out, "{}{form}, {request} ({})", self.program, self.signal)?;
        match &self.option {
            Some(option) => write!(out, ", `{option}`"),
            None => Ok(()),
        }
    }
}

/// How a container met a request, and what became of its work.
struct Outcome {
    seconds: f64,
    /// None while it runs.
    status: Option<i32>,
    lost: String,
}

impl Outcome {
    fn is_worse_than(&self, other: &Outcome, row: &Row) -> bool {
        let harm = self.harm(row);
        let others = other.harm(row);
        harm > others || (harm == others && harm.0 == 0 && self.seconds > other.seconds + SLACK)
    }

    /// The worst first: how much was lost, whether force or a reload ended it, whether its status is a failure's.
    fn harm(&self, row: &Row) -> (u32, bool, bool) {
        let by_force = match row.request {
            Request::Stop => self.status == Some(KILLED),
            Request::Reload => self.status.is_some(),
        };
        let lost = match self.lost.split_once(' ') {
            Some((count, _)) => count.parse().unwrap_or(1),
            // Whoever never heard of the stop went on with its work, and lost what it had in flight 10 s later.
            None => u32::from(!self.lost.is_empty() || by_force),
        };
        let failed = !matches!(self.status, None | Some(0 | 130 | 143 | KILLED));
        (lost, by_force, failed)
    }
}

impl Display for Outcome {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        match self.status {
            Some(status) => write!(out, "{:.1} s, {status}, ", self.seconds)?,
            None => write!(out, "runs, ")?,
        }
        if self.lost.is_empty() {
            write!(out, "kept")
        } else {
            write!(out, "**{} lost**", self.lost)
        }
    }
}

/// A container from its start to what was lost at its end.
fn live(image: &Arc<Image>, row: &Row, init: Init) -> Outcome {
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
    let options = [&volumes[..], &["--network=none", "--init"]].concat();
    let beside = image.start(&options, "sleep infinity");
    beside.wait_until_it_runs();
    let id = beside.docker("inspect", &["--format", "{{.Id}}"]);
    let run = |step| {
        let words = [
            "timeout",
            "120",
            "/software/run",
            row.program.as_str(),
            step,
        ];
        beside.exec_words(&[], &words)
    };

    let container = start(image, row, init, &volumes, &id);
    container.wait_until_it_runs();
    run("work");
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
    Outcome {
        seconds,
        status: status.map(|status| status.parse().expect("a status")),
        lost,
    }
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
    options.extend([rinit.as_str(), network.as_str()]);
    let stop_signal = format!("--stop-signal={}", row.signal);
    if row.request == Request::Stop {
        options.push(&stop_signal);
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
            words.extend(row.option.as_deref());
            words.push("--");
        }
    }
    words.extend(["/software/run", &row.program, "start", &row.form]);
    image.start_words(&options, &words)
}

fn take<T>(queue: &Mutex<Vec<T>>) -> Option<T> {
    queue.lock().expect("the queue").pop()
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
