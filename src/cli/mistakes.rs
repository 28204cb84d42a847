//! Typical mistakes, by which the one meant can still be named.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::definitions::{Kind, OPTIONS, variables};

/// How many letters may be wrong.
const MOST_EDITS: usize = 2;
/// How far a word may be written out with one hyphen before it is one of letters.
const SHORTEST_NAME: usize = 3;

/// The long option that a wrong word may have meant: `--graec`, `-grace`.
pub fn option_meant(word: &str) -> Option<&'static str> {
    let (name, is_long) = match word.strip_prefix("--") {
        Some(name) => (name, true),
        None => (word.strip_prefix('-')?, false),
    };
    let name = name.split('=').next().unwrap_or_default();
    let listed = OPTIONS.iter().filter(|option| option.kind != Kind::Hidden);
    let mut names = listed.map(|option| option.name);
    if is_long {
        names.find(|other| is_near(name, other))
    } else {
        names.find(|other| name.len() >= SHORTEST_NAME && other.starts_with(name))
    }
}

/// The variable of rinit's own that another one, which is none, may have meant.
pub fn variable_meant(name: &OsStr) -> Option<&'static str> {
    let name = std::str::from_utf8(name.as_bytes()).ok()?;
    if variables().any(|variable| variable == name) {
        return None;
    }
    variables().find(|variable| is_near(name, variable))
}

/// Whether a few letters make one of the other (Levenshtein's distance).
fn is_near(word: &str, other: &str) -> bool {
    if word.len().abs_diff(other.len()) > MOST_EDITS {
        return false;
    }
    // How far the beginning of `word` is from each beginning of `other`.
    let mut distances: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in word.bytes().enumerate() {
        let mut diagonal = row;
        let mut left = row.saturating_add(1);
        let mut next = vec![left];
        for (above, same) in distances.iter().skip(1).zip(other.bytes()) {
            let change = diagonal.saturating_add(usize::from(same != letter));
            let insert = left.min(*above).saturating_add(1);
            diagonal = *above;
            left = change.min(insert);
            next.push(left);
        }
        distances = next;
    }
    distances.last().is_some_and(|edits| *edits <= MOST_EDITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_within_two_letters() {
        for (word, meant) in [
            ("--graec", Some("grace")),
            ("--grace-period", None),
            ("-grace", Some("grace")),
            ("-verb", Some("verbose")),
            ("-x", None),
            ("--kil-after=5", Some("kill-after")),
        ] {
            assert_eq!(option_meant(word), meant, "{word}");
        }
        for (name, meant) in [
            ("RINIT_GRCE", Some("RINIT_GRACE")),
            ("RINIT_GRACE", None),
            ("RINIT_PORT", None),
            ("RINIT_SERVICE_HOST", None),
        ] {
            assert_eq!(variable_meant(OsStr::new(name)), meant, "{name}");
        }
    }
}
