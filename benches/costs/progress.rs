//! How far it is, on standard error: the table alone is on standard output.

use std::io::{IsTerminal, Write, stderr};

pub fn show(what: &str, round: usize, rounds: usize) {
    if stderr().is_terminal() {
        let _ = write!(
            stderr(),
            "\r\x1b[Kmeasuring {what}: {round} of {rounds} rounds"
        );
    } else if round == 0 {
        let _ = writeln!(stderr(), "measuring {what}: {rounds} rounds");
    }
}

pub fn clear() {
    if stderr().is_terminal() {
        let _ = write!(stderr(), "\r\x1b[K");
    }
}
