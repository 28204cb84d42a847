//! Processes that enter rinit's namespace from outside, as by `docker exec`.

use std::process::{Child, Command, Stdio};

use nix::unistd::Uid;

use super::output::Output;
use super::{Running, fixture, skip};

pub struct Outsider {
    pub process: Child,
    pub output: Output,
}

impl Outsider {
    /// A fixture that does these words there.
    pub fn enter(rinit: &Running, words: &str) -> Outsider {
        let mut process = Command::new("nsenter")
            .arg(format!("--target={}", rinit.pid))
            .args(["--pid", "--mount", "--"])
            .arg(fixture())
            .args(words.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()
            .expect("nsenter");
        Outsider {
            output: Output::of("the outsider's output", process.stdout.take()),
            process,
        }
    }
}

/// Where nobody may enter, the test is skipped.
pub fn may_enter() -> bool {
    let may_enter = Uid::effective().is_root();
    if !may_enter {
        skip("only root can enter a namespace");
    }
    may_enter
}
