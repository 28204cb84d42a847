//! The values of options and variables. What is wrong with a word is answered
//! by what is allowed in its place.

use std::path::PathBuf;
use std::time::Duration;

use crate::message::allowed;
use crate::number;
use crate::options::{ForwardTo, Rewrite};
use crate::signal::Signal;

/// On or off, as an environment variable has it.
pub fn flag(word: &str) -> Result<bool, &'static str> {
    match word.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(allowed::FLAG),
    }
}

/// How many times `-v`.
pub fn verbosity(word: &str) -> Result<u8, &'static str> {
    number::parse(word)
        .and_then(|number| number.try_into().ok())
        .ok_or(allowed::VERBOSITY)
}

/// An exit code, 0 to 255.
pub fn exit_code(word: &str) -> Result<u8, &'static str> {
    number::parse(word)
        .and_then(|number| number.try_into().ok())
        .ok_or(allowed::EXIT_CODE)
}

pub fn forward_to(word: &str) -> Result<ForwardTo, &'static str> {
    match word {
        "group" => Ok(ForwardTo::Group),
        "command" => Ok(ForwardTo::Command),
        "auto" => Ok(ForwardTo::Auto),
        _ => Err(allowed::FORWARD_TO),
    }
}

/// Where it is for sure: rinit leaves the working directory. Empty: there is none.
pub fn file(word: &str) -> Result<PathBuf, &'static str> {
    let is_file = word.is_empty() || word.starts_with('/');
    is_file.then(|| word.into()).ok_or(allowed::FILE)
}

pub fn signal(word: &str) -> Result<Signal, &'static str> {
    Signal::parse(word).ok_or(allowed::SIGNAL)
}

/// `FROM:TO`. The kernel lets nobody catch KILL or STOP.
pub fn rewrite(word: &str) -> Result<Rewrite, &'static str> {
    let (from, to) = word.split_once(':').ok_or(allowed::REWRITE)?;
    let can_arrive = |from: &Signal| *from != Signal::KILL && *from != Signal::STOP;
    let from = Signal::parse(from).filter(can_arrive);
    let to = match to {
        "0" => Some(None),
        _ => Signal::parse(to).map(Some),
    };
    match (from, to) {
        (Some(from), Some(to)) => Ok(Rewrite { from, to }),
        (Some(_), None) => Err(allowed::REWRITE_TO),
        (None, Some(_)) => Err(allowed::REWRITE_FROM),
        (None, None) => Err(allowed::REWRITE),
    }
}

/// A number of seconds, decimals allowed, or numbers with units, the largest
/// unit first: `500ms`, `8s`, `1m30s`.
pub fn duration(word: &str) -> Result<Duration, &'static str> {
    let micros = match micros(word, SECOND) {
        Some(seconds) => seconds,
        None => with_units(word)?,
    };
    Ok(Duration::from_micros(micros))
}

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;
/// Units and their length in microseconds, the longest first.
const UNITS: [(&str, u64); 4] = [
    ("h", 3_600 * SECOND),
    ("m", 60 * SECOND),
    ("s", SECOND),
    ("ms", 1_000),
];

fn with_units(word: &str) -> Result<u64, &'static str> {
    let mut rest = word;
    let mut total: u64 = 0;
    let mut longer_than = u64::MAX;
    while !rest.is_empty() {
        let (number, unit, tail) = first_part(rest).ok_or(allowed::DURATION)?;
        let known = UNITS.iter().find(|(name, _)| *name == unit);
        let (_, length) = known.ok_or(if unit.is_empty() {
            allowed::DURATION
        } else {
            allowed::DURATION_UNIT
        })?;
        if *length >= longer_than {
            return Err(allowed::DURATION_ORDER);
        }
        longer_than = *length;
        let part = micros(number, *length);
        let sum = part.and_then(|part| total.checked_add(part));
        total = sum.ok_or(allowed::DURATION)?;
        rest = tail;
    }
    if word.is_empty() {
        return Err(allowed::DURATION);
    }
    Ok(total)
}

/// The number and the unit that the text begins with, and what is behind them.
fn first_part(text: &str) -> Option<(&str, &str, &str)> {
    let (number, tail) = split_where(text, |byte| byte.is_ascii_alphabetic())?;
    let (unit, tail) = split_where(tail, |byte| !byte.is_ascii_alphabetic())?;
    Some((number, unit, tail))
}

/// Splits before the first byte for which `ends` holds.
fn split_where(text: &str, ends: fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text.bytes().position(ends).unwrap_or(text.len());
    text.split_at_checked(end)
}

/// A decimal number of units that are `length` microseconds long each.
fn micros(decimal: &str, length: u64) -> Option<u64> {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, "0"));
    // Nine places keep the product below within 64 bits, even for hours.
    let places = u32::try_from(fraction.len())
        .ok()
        .filter(|&places| places <= 9)?;
    let scale = 10_u64.checked_pow(places)?;
    let part = number::parse(fraction)?
        .checked_mul(length)?
        .checked_div(scale)?;
    number::parse(whole)?.checked_mul(length)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_have_units() {
        for (word, millis) in [
            ("0", 0),
            ("8", 8_000),
            ("1.5", 1_500),
            ("0.25", 250),
            ("500ms", 500),
            ("8s", 8_000),
            ("2m", 120_000),
            ("1m30s", 90_000),
            ("1h", 3_600_000),
            ("1.5m", 90_000),
            ("1h0m1s1ms", 3_601_001),
        ] {
            assert_eq!(duration(word), Ok(Duration::from_millis(millis)), "{word}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for word in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "s",
            "1x",
            "1 s",
            "1s30m",
            "1s1s",
            "30s5",
            "1e3",
            "inf",
            "99999999999999999999",
            "99999999999999h",
            "0.1234567890",
            "1.2.3",
            "ms5",
        ] {
            assert!(duration(word).is_err(), "{word:?}");
        }
    }

    #[test]
    fn a_rewrite_names_two_signals_and_never_starts_from_kill_or_stop() {
        let read = |word| rewrite(word).ok().map(|rewrite| (rewrite.from, rewrite.to));
        assert_eq!(read("TERM:QUIT"), Some((Signal::TERM, Some(Signal::QUIT))));
        assert_eq!(read("15:3"), Some((Signal::TERM, Some(Signal::QUIT))));
        assert_eq!(read("sigint:0"), Some((Signal::INT, None)));
        assert_eq!(
            read("RTMIN+3:KILL"),
            Some((Signal::HALT, Some(Signal::KILL)))
        );
        for word in [
            "",
            ":",
            "TERM",
            "TERM:",
            ":TERM",
            "0:TERM",
            "KILL:TERM",
            "19:TERM",
            "TERM:00",
        ] {
            assert_eq!(read(word), None, "{word:?}");
        }
    }
}
