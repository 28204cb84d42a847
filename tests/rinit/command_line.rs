//! Options and variables mean what the table of the manual says, and what is wrong with them is said.

mod print;
mod value;
mod wrong;

use Given::{Variable, Words};

use crate::common::{Ended, Rinit, Role};

/// A word with its meaning to be seen, and where it stands.
#[derive(Clone, Copy, Debug)]
enum Given<'a> {
    Words(&'a str),
    Variable(&'a str, &'a str),
}

fn run(role: Role, given: Given) -> Ended {
    let rinit = Rinit::new(role);
    let rinit = match given {
        Words(words) => rinit.words(words),
        Variable(name, value) => rinit.env(name, value),
    };
    rinit.fixture("say started exit 0").run()
}

fn expect_refusal(ended: &Ended, what: &str) {
    assert_eq!(ended.status, 125, "{what}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{what}");
    assert_eq!(ended.stderr.lines().count(), 1, "{what}: {}", ended.stderr);
    assert!(
        ended.stderr.starts_with("rinit: "),
        "{what}: {}",
        ended.stderr
    );
}
