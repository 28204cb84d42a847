//! The command line and the environment.

pub mod definitions;
pub mod help;
mod mistakes;
mod parser;
mod source;
mod value;

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::message::{self, UsageError};
use crate::options::{ForwardTo, Level, Options};
use definitions::*;
pub use mistakes::variable_meant;
use parser::command;
use source::{Source, read};

/// What rinit is asked to do.
pub enum Request {
    Run {
        options: Options,
        /// COMMAND and its arguments: one word at least.
        command: Vec<OsString>,
    },
    /// Hold a pod's namespaces: reap, and nothing else.
    Pause(Options),
    /// Print a text to standard output.
    Print(String),
}

/// How the names of variables begin that options are read from.
const VARIABLES: [&[u8]; 4] = [b"RINIT_", b"TINI_", b"DUMB_INIT_", b"CATATONIT_"];

/// Whether an option may be read from that variable, of which the name is the beginning.
pub fn is_variable(variable: &[u8]) -> bool {
    VARIABLES
        .iter()
        .any(|beginning| variable.starts_with(beginning))
}

/// Reads the command line, without the program's own name, and the environment.
///
/// Not inlined, so that the check for panics can tell clap's from those of the
/// other code.
#[inline(never)]
pub fn parse(
    program: &OsStr,
    words: impl IntoIterator<Item = OsString>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Request, UsageError> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    if !has_no_option(&mut words) {
        return parse_options(program, &words, environment);
    }
    let options = options(Source {
        program,
        matches: None,
        environment,
        warnings: RefCell::default(),
    })?;
    Ok(Request::Run {
        options,
        command: words,
    })
}

/// Not inlined, so that a start without options does not touch the memory that
/// this takes.
#[inline(never)]
fn parse_options(
    program: &OsStr,
    words: &[OsString],
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Request, UsageError> {
    let matches = match command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            // Abbreviated, too.
            let wants_all = words.iter().any(|word| word.as_bytes().starts_with(b"--h"));
            let help = if wants_all {
                message::full_help()
            } else {
                message::brief_help()
            };
            return Ok(Request::Print(help));
        }
        Err(error) => return Err(usage_error(&error, words)),
    };
    if matches.get_flag(VERSION.name) {
        return Ok(Request::Print(message::version()));
    }
    if matches.get_flag(LICENSE.name) {
        return Ok(Request::Print(message::LICENSE.to_owned()));
    }
    let options = options(Source {
        program,
        matches: Some(&matches),
        environment,
        warnings: RefCell::default(),
    })
    .map_err(|error| name_with_one_hyphen(words).unwrap_or(error))?;
    let command: Vec<OsString> = matches
        .get_many("command")
        .map(|words| words.cloned().collect())
        .unwrap_or_default();
    match (matches.get_flag(PAUSE.name), command.first()) {
        (false, None) => Err(UsageError::NoCommand),
        (false, Some(_)) => Ok(Request::Run { options, command }),
        (true, None) => Ok(Request::Pause(options)),
        (true, Some(word)) => Err(UsageError::CommandBesidePause { word: word.clone() }),
    }
}

/// Returns whether the words are COMMAND's alone, and then takes the `--` away.
/// So it is in nearly every image, and clap, with nothing to do, would take
/// four fifths of a start.
fn has_no_option(words: &mut Vec<OsString>) -> bool {
    if words.len() > 1 && words.first().is_some_and(|word| word == "--") {
        words.remove(0);
        return true;
    }
    words
        .first()
        .is_some_and(|word| !word.as_bytes().starts_with(b"-"))
}

fn options(source: Source) -> Result<Options, UsageError> {
    let is_on = |option: &Definition| Ok(source.flag(option)?.unwrap_or(false));
    let mut options = Options {
        forward_to: forward_to(&source)?,
        grace: source.last(&GRACE, value::duration)?,
        kill_after: source.last(&KILL_AFTER, value::duration)?,
        daemon: is_on(&DAEMON)?,
        zero_on_stop: is_on(&ZERO_ON_STOP)?,
        parent_death_signal: source.last(&PARENT_DEATH_SIGNAL, value::signal)?,
        warn_on_reap: is_on(&WARN_ON_REAP)?,
        make_room: source.flag_variable(MAKE_ROOM)?.unwrap_or(true),
        level: level(&source)?,
        termination_log: termination_log(&source)?,
        ..Options::default()
    };
    for signal in source.each(&STOP_SIGNAL, value::signal)? {
        options.stop_signals.add(signal);
    }
    for rewrite in source.each(&REWRITE, value::rewrite)? {
        options.rewrites.add(rewrite);
    }
    for code in source.each(&EXPECT_EXIT, value::exit_code)? {
        options.expected_exits.add(code);
    }
    options.warnings = source.warnings.into_inner();
    Ok(options)
}

/// The command line wins over rinit's variables, and these over the peers'. Of two options that
/// contradict each other the one that names somebody wins.
fn forward_to(source: &Source) -> Result<ForwardTo, UsageError> {
    let by_variable = source.variable(&FORWARD_TO, value::forward_to)?;
    let single_child = source.flag(&SINGLE_CHILD)?;
    if let Some(named) = source.given(&FORWARD_TO, value::forward_to)? {
        return Ok(named);
    }
    let is_single = |on| {
        if on {
            ForwardTo::Command
        } else {
            ForwardTo::Group
        }
    };
    Ok(if source.is_given(&SINGLE_CHILD) {
        ForwardTo::Command
    } else if source.is_given(&GROUP) {
        ForwardTo::Group
    } else if let Some(named) = by_variable {
        named
    } else if let Some(on) = single_child {
        is_single(on)
    } else if source.variable_is("DUMB_INIT_SETSID", "0") {
        ForwardTo::Command
    } else {
        ForwardTo::default_of(source.program)
    })
}

/// The command line wins over rinit's variables, and these over the peers'.
fn level(source: &Source) -> Result<Level, UsageError> {
    let quiet = source.flag(&QUIET)?;
    let verbose = source.variable(&VERBOSE, value::verbosity)?;
    let matches = source.matches;
    let times = matches.map(|matches| matches.get_count(VERBOSE.name));
    if let Some(times @ 1..) = times {
        return Ok(Level::verbose(times));
    }
    if quiet == Some(true) {
        return Ok(Level::Quiet);
    }
    if let Some(verbose) = verbose {
        return Ok(Level::verbose(verbose));
    }
    if quiet == Some(false) {
        return Ok(Level::Normal);
    }
    // tini's 1 is what rinit logs by default, and its 0 is less than that.
    if let Some(verbosity) = source.peer("TINI_VERBOSITY", value::verbosity) {
        return Ok(verbosity
            .checked_sub(1)
            .map_or(Level::Quiet, Level::verbose));
    }
    let catatonit = source.nonempty_variable("CATATONIT_DEBUG");
    if source.variable_is("DUMB_INIT_DEBUG", "1") || catatonit.is_some() {
        return Ok(Level::Signals);
    }
    Ok(Level::Normal)
}

/// An empty variable is not an unset one here: it means that there is no file.
fn termination_log(source: &Source) -> Result<Option<PathBuf>, UsageError> {
    let name = TERMINATION_LOG.variable.unwrap_or_default();
    let word = source.set_variable(name);
    let by_variable = word.map(|word| read(name, &word, value::file));
    let by_variable = by_variable.transpose()?;
    Ok(source.given(&TERMINATION_LOG, value::file)?.or(by_variable))
}

/// clap's errors come as several lines; rinit's are one.
fn usage_error(error: &clap::Error, words: &[OsString]) -> UsageError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let word = context(ContextKind::InvalidArg);
    if let Some(error) = name_with_one_hyphen(words) {
        return error;
    }
    // clap shows an option that it knows together with its value or, where it counts, with dots.
    let known = word.split([' ', '=', '.']).next().unwrap_or_default();
    let option = known.into();
    match error.kind() {
        ErrorKind::TooManyValues => UsageError::UnwantedValue {
            option,
            word: context(ContextKind::InvalidValue).into(),
        },
        ErrorKind::InvalidValue => UsageError::MissingValue { option },
        _ => unknown_option(&word, words),
    }
}

/// One hyphen where there should be two, among the first words.
fn name_with_one_hyphen(words: &[OsString]) -> Option<UsageError> {
    let mut options = words
        .iter()
        .map(|word| word.to_string_lossy())
        .take_while(|word| word.starts_with('-'));
    let is_name = |word: &str| !word.starts_with("--") && mistakes::option_meant(word).is_some();
    let option = options.find(|word| is_name(word))?;
    Some(unknown_option(&option, words))
}

fn unknown_option(word: &str, words: &[OsString]) -> UsageError {
    let with_space = |other: &&OsString| {
        let bytes = other.as_bytes();
        bytes.starts_with(b"-") && bytes.contains(&b' ')
    };
    if let Some(word) = words.iter().find(with_space) {
        return UsageError::SeveralWords { word: word.clone() };
    }
    UsageError::UnknownOption {
        meant: mistakes::option_meant(word),
        option: cluster_with_value(word, words).unwrap_or_else(|| word.into()),
    }
}

/// Of a cluster like `-c=1`, clap names the `=` alone.
fn cluster_with_value(word: &str, words: &[OsString]) -> Option<OsString> {
    let is_cluster = |word: &[u8]| word.starts_with(b"-") && !word.starts_with(b"--");
    let mut clusters = words.iter().filter(|word| is_cluster(word.as_bytes()));
    let found = clusters.find(|word| word.as_bytes().contains(&b'='));
    found.filter(|_| word == "-=").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_that_is_asked_for_is_known_by_its_beginning() {
        let lookup = |name: &str| {
            assert!(is_variable(name.as_bytes()), "{name}");
            None
        };
        assert!(parse(OsStr::new("rinit"), ["command".into()], &lookup).is_ok());
    }
}
