//! The client that drives an engine, and what it says.

use std::cell::Cell;
use std::io;
use std::process::{self, Command, Stdio};

use super::super::skip;

/// What comes before a client's subcommands.
pub type Client = &'static [&'static str];

/// The machine's engine, or wherever the environment leads.
pub const DOCKER: Client = &["docker"];

thread_local! {
    static CLIENT: Cell<Client> = const { Cell::new(DOCKER) };
}

/// Which client the calling thread uses from here on.
pub fn use_client(client: Client) {
    CLIENT.set(client);
}

pub fn client() -> Command {
    let mut words = CLIENT.get().iter();
    let mut client = Command::new(words.next().expect("a program"));
    client.args(words);
    client
}

/// Runs a subcommand of the thread's client, and takes what comes of it.
pub fn run(words: &[&str]) -> io::Result<process::Output> {
    run_by(CLIENT.get(), words)
}

/// It may take long, but not for ever.
pub fn run_by(client: Client, words: &[&str]) -> io::Result<process::Output> {
    Command::new("timeout")
        .args(["--foreground", "--signal=KILL", "10m"])
        .args(client)
        .args(words)
        .stdin(Stdio::null())
        .output()
}

pub fn succeeds(words: &[&str]) -> bool {
    run(words).is_ok_and(|output| output.status.success())
}

/// Where there is no engine, the test is skipped.
pub fn is_running() -> bool {
    let running = succeeds(&["info"]);
    if !running {
        skip("no docker engine answers");
    }
    running
}

/// A Debian to build on, made by .ci/base-image where it cannot be pulled. Where it is not to be had, the test is skipped.
pub fn debian() -> Option<&'static str> {
    let image = "debian:bookworm-slim";
    if !is_running() {
        return None;
    }
    let is_there = succeeds(&["image", "inspect", image]) || succeeds(&["pull", image]);
    if !is_there {
        skip("there is no base image: .ci/base-image makes it");
    }
    is_there.then_some(image)
}

/// What the thread's client says on standard output. It must succeed.
pub fn docker(words: &[&str]) -> String {
    ask(CLIENT.get(), words)
}

/// What a client says on standard output. It must succeed.
pub fn ask(client: Client, words: &[&str]) -> String {
    let output = run_by(client, words).expect("a client");
    assert!(
        output.status.success(),
        "{client:?} {words:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// What a container has written so far, to standard output and to standard error.
pub fn logs(container: &str) -> String {
    let logs = run(&["logs", container]).expect("a client");
    let texts = [logs.stdout, logs.stderr];
    texts
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .concat()
}

/// Cleans up, whatever the test came to.
pub fn remove(words: &[&str]) {
    let _ = run(words);
}
