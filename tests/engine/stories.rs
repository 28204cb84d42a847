//! How containers with real software fail to stop, and what the inits change about that. Each story is
//! told without an init, with tini, with dumb-init and with rinit, under a real engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use crate::common::engine::{self, Container, Image};
use crate::common::{Directory, binary, limit, wait_for};

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

const SQUID: Story = Story {
    title: "Squid in the middle of a download",
    before: r"CMD /usr/sbin/squid -N",
    after: r#"ENTRYPOINT ["/sbin/rinit", "-r", "TERM:INT", "--"]
CMD /usr/sbin/squid -N"#,
    alone: (137, "killed"),
    tini: (143, "killed"),
    dumb_init: (143, "killed"),
    rinit: (130, "in order"),
};

const POSTFIX: Story = Story {
    title: "Postfix with rsyslog, from a `startup.sh`",
    before: r#"CMD ["/app/startup.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/startup.sh"]"#,
    alone: (137, "last line lost"),
    tini: (143, "last line lost"),
    dumb_init: (143, "last line lost"),
    rinit: (143, "last line kept"),
};

const UNBOUND: Story = Story {
    title: "Unbound, `unbound -d`",
    before: r#"CMD ["unbound", "-d"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["unbound", "-d"]"#,
    alone: (0, "in order"),
    tini: (0, "in order"),
    dumb_init: (0, "in order"),
    rinit: (0, "in order"),
};

const TRAP: Story = Story {
    title: "The shell loop that waits for nothing",
    before: r"CMD trap 'exit 0' TERM; while :; do sleep infinity & wait $!; done",
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD trap 'exit 0' TERM; while :; do sleep infinity & wait $!; done"#,
    alone: (0, "by its trap"),
    tini: (0, "by its trap"),
    dumb_init: (0, "by its trap"),
    rinit: (0, "by its trap"),
};

const LEGACY: Story = Story {
    title: "Redis from `/etc/init.d`",
    before: r"CMD /etc/init.d/redis-server start; tail -f /dev/null",
    after: r#"ENTRYPOINT ["/sbin/rinit", "-d", "--"]
CMD ["/etc/init.d/redis-server", "start"]"#,
    alone: (137, "data lost"),
    tini: (143, "data lost"),
    dumb_init: (143, "data lost"),
    rinit: (0, "data saved"),
};

const PYTHON: Story = Story {
    title: "Python: the entrypoint itself",
    before: r#"CMD ["python3", "/app/program.py"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/program.py"]"#,
    alone: (0, "cleaned up"),
    tini: (0, "cleaned up"),
    dumb_init: (0, "cleaned up"),
    rinit: (0, "cleaned up"),
};

const PYTHON_ENTRY: Story = Story {
    title: "Python: behind `entry.sh`",
    before: r#"CMD ["/app/entry.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/entry.sh"]"#,
    alone: (137, "killed"),
    tini: (143, "killed"),
    dumb_init: (143, "killed"),
    rinit: (143, "cleaned up"),
};

const PYTHON_EXEC: Story = Story {
    title: "Python: behind `exec`",
    before: r#"CMD ["/app/entry-exec.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/entry-exec.sh"]"#,
    alone: (0, "cleaned up"),
    tini: (0, "cleaned up"),
    dumb_init: (0, "cleaned up"),
    rinit: (0, "cleaned up"),
};

const PYTHON_TRAP: Story = Story {
    title: "Python: behind a script that passes the signal on",
    before: r#"CMD ["/app/entry-trap.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "-c", "--"]
CMD ["/app/entry-trap.sh"]"#,
    alone: (0, "cleaned up"),
    tini: (0, "cleaned up"),
    dumb_init: (0, "killed"),
    rinit: (0, "cleaned up"),
};

const PYTHON_TWO: Story = Story {
    title: "Python: two behind `entry-two.sh`",
    before: r#"CMD ["/app/entry-two.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/entry-two.sh"]"#,
    alone: (137, "killed"),
    tini: (143, "killed"),
    dumb_init: (143, "killed"),
    rinit: (143, "cleaned up"),
};

const DEAF: Story = Story {
    title: "A server that handles no SIGTERM",
    before: r#"CMD ["python3", "-u", "-m", "http.server"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "-u", "-m", "http.server"]"#,
    alone: (137, "killed"),
    tini: (143, "ended"),
    dumb_init: (143, "ended"),
    rinit: (143, "ended"),
};

const ZOMBIES: Story = Story {
    title: "A server and health checks that leave zombies",
    before: r#"CMD ["python3", "/app/zombies.py"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/zombies.py"]"#,
    alone: (0, "6 zombies"),
    tini: (0, "0 zombies"),
    dumb_init: (0, "0 zombies"),
    rinit: (0, "0 zombies"),
};

const STOP_TIME: Story = Story {
    title: "`docker stop -t 1`, a clean-up of a minute",
    before: r#"CMD ["python3", "/app/program.py", "60"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/program.py", "60"]"#,
    alone: (137, "killed"),
    tini: (137, "killed"),
    dumb_init: (137, "killed"),
    rinit: (137, "killed"),
};

const DOCKER_KILL: Story = Story {
    title: "`docker kill -s`: HUP, SIGUSR1, 12, RTMIN+5",
    before: r#"CMD ["python3", "/app/signals.py"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/signals.py"]"#,
    alone: (0, "all arrive"),
    tini: (0, "all arrive"),
    dumb_init: (0, "all arrive"),
    rinit: (0, "all arrive"),
};

const RUN_STOP_SIGNAL: Story = Story {
    title: "`docker run --stop-signal RTMIN+3`",
    alone: (0, "told"),
    tini: (0, "told"),
    dumb_init: (0, "told"),
    rinit: (0, "told"),
    ..DOCKER_KILL
};

const STOPSIGNAL: Story = Story {
    title: "`STOPSIGNAL SIGQUIT` in the Dockerfile",
    before: r#"STOPSIGNAL SIGQUIT
CMD ["python3", "/app/signals.py"]"#,
    after: r#"STOPSIGNAL SIGQUIT
ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/signals.py"]"#,
    alone: (0, "told"),
    tini: (0, "told"),
    dumb_init: (0, "told"),
    rinit: (0, "told"),
};

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
const IN_README: [&Story; 6] = [&SQUID, &POSTFIX, &LEGACY, &PYTHON_ENTRY, &PYTHON_TWO, &DEAF];
/// Those that README has a recipe for.
const RECIPES: [&Story; 2] = [&SQUID, &LEGACY];
/// The scripts that README links to.
const SCRIPTS: [&str; 3] = ["startup.sh", "entry.sh", "entry-two.sh"];

/// Seconds that the engine gives a container to stop, unless `--time` says otherwise.
const ENGINES: u32 = 10;

/// What is to end by itself gets more, since four containers at once on a busy machine are slow.
const PATIENCE: u32 = 60;

#[test]
fn squid_asked_to_shut_down_at_once_does_so_in_order() {
    SQUID.tell(&[], |container, patience| {
        until(container, "grep 'Accepting HTTP' /var/log/squid/cache.log");
        container.exec_words(&["--detach"], &["python3", "/app/download.py"]);
        until(container, "test -e /tmp/downloading");
        let stopped = stop(container, patience);
        let finished = left_in(container, "/var/log/squid", "Exiting normally");
        stopped.with(if finished { "in order" } else { "killed" })
    });
}

#[test]
fn postfix_stops_in_order_and_rsyslog_hears_its_last_line() {
    POSTFIX.tell(&[], |container, patience| {
        until(container, "grep 'daemon started' /var/log/mail.log");
        inside(
            container,
            "echo 'a message to keep' | sendmail someone@example.org",
        );
        until(container, "postqueue -p | grep 'no route yet'");
        let stopped = stop(container, patience);
        assert!(left_in(
            container,
            "/var/spool/postfix/deferred",
            "a message to keep"
        ));
        let heard = left_in(container, "/var/log", "terminating on signal 15");
        stopped.with(if heard {
            "last line kept"
        } else {
            "last line lost"
        })
    });
}

#[test]
fn unbound_stops_in_order_before_and_after() {
    UNBOUND.tell(&[], |container, patience| {
        container.stderr.line("start of service");
        let stopped = stop(container, patience);
        container.stderr.line("service stopped");
        stopped.with("in order")
    });
}

#[test]
fn the_shell_loop_stops_with_the_status_of_its_trap() {
    TRAP.tell(&[], |container, patience| {
        until(container, "pgrep --exact --full 'sleep infinity'");
        stop(container, patience).with("by its trap")
    });
}

#[test]
fn the_daemon_of_an_init_script_saves_its_data() {
    LEGACY.tell(&[], |container, patience| {
        until(container, "redis-cli set last words");
        let stopped = stop(container, patience);
        let saved = left_in(container, "/var/lib/redis", "words");
        stopped.with(if saved { "data saved" } else { "data lost" })
    });
}

#[test]
fn the_last_words_of_a_python_program_that_is_the_entrypoint_are_there() {
    PYTHON.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_a_python_program_behind_a_shell_are_there() {
    PYTHON_ENTRY.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_a_python_program_behind_exec_are_there() {
    PYTHON_EXEC.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_a_python_program_behind_a_script_that_passes_signals_on_are_there() {
    PYTHON_TRAP.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_two_python_programs_behind_a_shell_are_there() {
    PYTHON_TWO.tell(&[], |container, patience| {
        last_words(container, 2, patience)
    });
}

#[test]
fn docker_stop_waits_as_long_as_it_is_told() {
    STOP_TIME.tell(&[], |container, _| last_words(container, 1, 1));
}

/// Stops that many of the Python programs.
fn last_words(container: &Container, programs: usize, patience: u32) -> Outcome {
    let said = |text: &str, words| text.matches(words).count() == programs;
    container.stdout.wait_for("all are set up", |text| {
        said(text, "!!!Set up!!!").then_some(())
    });
    let stopped = stop(container, patience);
    let finished = said(&container.stdout.text(), "!!!Clean up!!!");
    stopped.with(if finished { "cleaned up" } else { "killed" })
}

#[test]
fn a_server_that_handles_no_sigterm_ends_at_once() {
    DEAF.tell(&[], |container, patience| {
        container.says("Serving HTTP");
        let stopped = stop(container, patience);
        let killed = stopped.status == KILLED;
        stopped.with(if killed { "killed" } else { "ended" })
    });
}

#[test]
fn no_zombie_of_a_server_or_of_its_health_checks_stays() {
    ZOMBIES.tell(&[], |container, patience| {
        container.says("ready");
        for _ in 0..3 {
            container.exec("/app/health.sh");
        }
        // An init reaps each in its time, and without one all of them stay.
        let zombies = wait_for("all of the zombies are there or none", || {
            let states = container.exec("ps --no-headers -eo stat");
            let zombies = states
                .lines()
                .filter(|state| state.starts_with('Z'))
                .count();
            [0, 6].contains(&zombies).then_some(zombies)
        });
        stop(container, patience).with(&format!("{zombies} zombies"))
    });
}

#[test]
fn docker_kill_sends_any_signal_by_name_and_by_number() {
    DOCKER_KILL.tell(&[], |container, patience| {
        container.says("ready");
        for (signal, number) in [("HUP", 1), ("SIGUSR1", 10), ("12", 12), ("RTMIN+5", 39)] {
            container.docker("kill", &["--signal", signal]);
            container.says(&format!("got {number}"));
        }
        stop(container, patience).with("all arrive")
    });
}

#[test]
fn the_stop_signal_of_docker_run_reaches_the_application() {
    RUN_STOP_SIGNAL.tell(&["--stop-signal", "RTMIN+3"], |container, patience| {
        told_only(container, patience, 37)
    });
}

#[test]
fn the_stop_signal_of_the_dockerfile_reaches_the_application() {
    STOPSIGNAL.tell(&[], |container, patience| told_only(container, patience, 3));
}

/// Stops the program that names its signals, which is to get this one and no other.
fn told_only(container: &Container, patience: u32, number: i32) -> Outcome {
    container.says("ready");
    let stopped = stop(container, patience);
    let told = container.stdout.text() == format!("ready\ngot {number}\n");
    stopped.with(if told { "told" } else { "never told" })
}

#[test]
fn readme_shows_what_is_run_here() {
    let readme = readme();
    for Story { after, .. } in RECIPES {
        assert!(
            readme.contains(&format!("\n{after}\n")),
            "README lacks:\n{after}"
        );
    }
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

/// The status of a container that the engine had to kill.
const KILLED: i32 = 137;

struct Stopped {
    seconds: f64,
    status: i32,
}

impl Stopped {
    fn with(self, work: &str) -> Outcome {
        Outcome {
            seconds: self.seconds,
            status: self.status,
            work: work.to_owned(),
        }
    }
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
        let Some(image) = image(self.before) else {
            return;
        };
        let (image, life) = (&image, &life);
        let outcomes = thread::scope(|scope| {
            let lives = self.containers().map(|(dockerfile, status)| {
                let patience = if status == KILLED { ENGINES } else { PATIENCE };
                scope.spawn(move || life(&start(image, &dockerfile, options), patience))
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

/// The image with the software, and with those of a Dockerfile's last lines that [`start`] leaves out.
fn image(lines: &str) -> Option<Arc<Image>> {
    // It stays, so that the engine has it the next time.
    const KEPT: &str = "rinit-stories";
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    engine::debian()?;
    let turn = ONE_AT_A_TIME.lock();
    // Not over the engine's bridge, whose packets may be too large for the machine's network.
    let image = Image::build(&["--network", "host", "--tag", KEPT], &context());
    drop(turn);
    let is_left_out = |line: &&str| !(line.starts_with("ENTRYPOINT ") || line.starts_with("CMD "));
    let lines: Vec<&str> = lines.lines().filter(is_left_out).collect();
    if lines.is_empty() {
        return Some(image);
    }
    let context = Directory::new("stories");
    let dockerfile = format!("FROM {KEPT}\n{}\n", lines.join("\n"));
    context.executable("Dockerfile", dockerfile);
    // Cached, it could be removed by another process in the middle of this one's build.
    Some(Image::build(&["--no-cache"], context.path()))
}

/// Starts the ENTRYPOINT and the CMD of a Dockerfile. The engine would take seconds to make an image of each.
fn start(image: &Arc<Image>, lines: &str, options: &[&str]) -> Container {
    let words = |instruction| {
        let mut lines = lines.lines();
        let words = lines.find_map(|line| line.strip_prefix(instruction)?.strip_prefix(' '));
        words.map_or(vec![], |words| {
            let list = words
                .strip_prefix("[\"")
                .and_then(|words| words.strip_suffix("\"]"));
            list.map_or(vec!["/bin/sh", "-c", words], |list| {
                list.split("\", \"").collect()
            })
        })
    };
    let entrypoint = words("ENTRYPOINT");
    let words = [entrypoint, words("CMD")].concat();
    let (program, words) = words.split_first().expect("a program");
    let rinit = binary();
    let rinit = rinit.to_str().expect("a path in UTF-8");
    let volume = format!("{rinit}:/sbin/rinit:ro");
    let options = [
        &[
            "--network",
            "none",
            "--volume",
            &volume,
            "--entrypoint",
            program,
        ],
        options,
    ];
    let container = image.start_words(&options.concat(), words);
    container.wait_until_it_runs();
    container
}

fn stop(container: &Container, patience: u32) -> Stopped {
    let start = Instant::now();
    container.docker("stop", &["--time", &patience.to_string()]);
    let seconds = start.elapsed().as_secs_f64();
    let status = container.docker("wait", &[]).parse().expect("a status");
    container.stdout.wait_for_end();
    container.stderr.wait_for_end();
    let was_patient = seconds >= patience.into();
    assert!(was_patient || status != KILLED, "killed after {seconds} s");
    Stopped { seconds, status }
}

/// Runs a script beside the application.
fn inside(container: &Container, script: &str) {
    let limit = limit().as_secs().to_string();
    container.exec_words(&[], &["timeout", &limit, "sh", "-c", script]);
}

/// Waits for a condition that a script tests.
fn until(container: &Container, condition: &str) {
    inside(container, &format!("until {condition}; do sleep 0.1; done"));
}

/// Whether a stopped container's files in this directory say so.
fn left_in(container: &Container, directory: &str, text: &str) -> bool {
    container.archive(directory).contains(text)
}
