//! A container with each of the inits: built, started, looked into and stopped.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::{Outcome, context};
use crate::common::engine::{self, Container, Image};
use crate::common::{Directory, binary, limit};

/// The status of a container that the engine had to kill.
pub const KILLED: i32 = 137;

/// How a container stopped.
pub struct Stopped {
    pub seconds: f64,
    pub status: i32,
}

impl Stopped {
    pub fn with(self, work: &str) -> Outcome {
        Outcome {
            seconds: self.seconds,
            status: self.status,
            work: work.to_owned(),
        }
    }
}

/// The image with the software, and with those of a Dockerfile's last lines that [`start`] leaves out.
pub fn image(lines: &str) -> Option<Arc<Image>> {
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
pub fn start(image: &Arc<Image>, lines: &str, options: &[&str]) -> Container {
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

pub fn stop(container: &Container, patience: u32) -> Stopped {
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
pub fn inside(container: &Container, script: &str) {
    let limit = limit().as_secs().to_string();
    container.exec_words(&[], &["timeout", &limit, "sh", "-c", script]);
}

/// Waits for a condition that a script tests.
pub fn until(container: &Container, condition: &str) {
    inside(container, &format!("until {condition}; do sleep 0.1; done"));
}

/// Whether a stopped container's files in this directory say so.
pub fn left_in(container: &Container, directory: &str, text: &str) -> bool {
    container.archive(directory).contains(text)
}
