//! The command line and the environment.

pub mod help;
mod value;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::message::{self, UsageError};
use crate::options::{ForwardTo, Level, Options};

/// Where what is wrong with the others is to go, too.
pub const TERMINATION_LOG: &str = "RINIT_TERMINATION_LOG";

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
const VARIABLES: [&[u8]; 3] = [b"RINIT_", b"TINI_", b"DUMB_INIT_"];

/// Whether an option may be read from that variable, of which the name is the beginning.
pub fn is_variable(variable: &[u8]) -> bool {
    VARIABLES
        .iter()
        .any(|beginning| variable.starts_with(beginning))
}

/// Reads the command line, without the program's own name, and the environment.
///
/// Not inlined, so that the check for panics can tell clap's from those of the
/// rest.
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
    let options = options(&Source {
        program,
        matches: None,
        environment,
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
            let wants_all = words.iter().any(|word| word == "--help");
            let help = if wants_all {
                message::HELP
            } else {
                message::BRIEF_HELP
            };
            return Ok(Request::Print(help.to_owned()));
        }
        Err(error) => return Err(usage_error(&error, words)),
    };
    if matches.get_flag("version") {
        return Ok(Request::Print(message::version()));
    }
    if matches.get_flag("license") {
        return Ok(Request::Print(message::LICENSE.to_owned()));
    }
    let options = options(&Source {
        program,
        matches: Some(&matches),
        environment,
    })?;
    let command: Vec<OsString> = matches
        .get_many("command")
        .map(|words| words.cloned().collect())
        .unwrap_or_default();
    match (matches.get_flag("pause"), command.first()) {
        (false, None) => Err(UsageError::NoCommand),
        (false, Some(_)) => Ok(Request::Run { options, command }),
        (true, None) => Ok(Request::Pause(options)),
        (true, Some(word)) => Err(UsageError::CommandBesidePause { word: word.clone() }),
    }
}

/// Tells whether the words are COMMAND's alone, and then takes the `--` away.
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

/// Options in the order and the groups in which `--help` lists them.
fn command() -> Command {
    Command::new("rinit")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .next_help_heading("Signals")
        .args([
            flag("single-child", 'c').help("Signal COMMAND alone, not its group"),
            long_value("forward-to", "WHOM").help("group, command, or auto: who handles it"),
            long_value("stop-signal", "SIGNAL")
                .action(ArgAction::Append)
                .help("One more signal that asks for a stop"),
            value("rewrite", 'r', "FROM:TO")
                .action(ArgAction::Append)
                .help("Forward TO in place of FROM; 0: nothing"),
            value("parent-death-signal", 'p', "SIGNAL")
                .help("Get SIGNAL when rinit's own parent dies"),
        ])
        .next_help_heading("Stopping")
        .args([
            value("grace", 't', "DURATION").help("Limit for what outlives COMMAND, from its exit"),
            value("kill-after", 'k', "DURATION")
                .help("Limit for everything, from the first stop on"),
            flag("daemon", 'd').help("Go on for the daemons that COMMAND leaves behind"),
        ])
        .next_help_heading("Exit status")
        .args([
            value("expect-exit", 'e', "CODE")
                .action(ArgAction::Append)
                .help("Exit 0 instead of CODE"),
            flag("zero-on-stop", 'z').help("Exit 0 when COMMAND ends as it was asked to"),
        ])
        .next_help_heading("Messages")
        .args([
            flag("warn-on-reap", 'w').help("Name each orphan reaped"),
            flag("verbose", 'v')
                .action(ArgAction::Count)
                .overrides_with("quiet")
                .help("More: -v life cycle, -vv signals, -vvv reaping"),
            flag("quiet", 'q')
                .overrides_with("verbose")
                .help("Log only rinit's own errors"),
            long_value("termination-log", "PATH").help("Where Kubernetes looks for a reason"),
        ])
        .next_help_heading("Other")
        .args([
            flag("pause", 'P').help("No COMMAND: reap, and exit 0 on SIGTERM or SIGINT"),
            flag("license", 'l')
                .short_alias('L')
                .help("Print the license"),
            flag("version", 'V').help("Print the version"),
            flag("help", 'h')
                .action(ArgAction::HelpShort)
                .help("Print help: -h in short, --help in full"),
            // tini's subreaper and process group, catatonit's group: rinit does both anyway.
            flag("group", 'g').long(None).hide(true),
            flag("subreaper", 's').long(None).hide(true),
        ])
        .arg(
            Arg::new("command")
                .value_parser(ValueParser::os_string())
                .num_args(1..)
                .trailing_var_arg(true)
                .hide(true),
        )
}

fn flag(name: &'static str, short: char) -> Arg {
    Arg::new(name)
        .long(name)
        .short(short)
        .action(ArgAction::SetTrue)
}

/// The word is taken as it is, even if it begins with a hyphen: what is wrong
/// with it, rinit says better.
fn value(name: &'static str, short: char, value_name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .short(short)
        .value_name(value_name)
        .allow_hyphen_values(true)
        .value_parser(ValueParser::os_string())
}

fn long_value(name: &'static str, value_name: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value_name)
        .allow_hyphen_values(true)
        .value_parser(ValueParser::os_string())
}

fn options(source: &Source) -> Result<Options, UsageError> {
    let mut options = Options {
        forward_to: forward_to(source)?,
        grace: source.last("grace", "RINIT_GRACE", value::duration)?,
        kill_after: source.last("kill-after", "RINIT_KILL_AFTER", value::duration)?,
        daemon: source.flag("daemon", "RINIT_DAEMON")?.unwrap_or(false),
        zero_on_stop: source
            .flag("zero-on-stop", "RINIT_ZERO_ON_STOP")?
            .unwrap_or(false),
        parent_death_signal: source.last(
            "parent-death-signal",
            "RINIT_PARENT_DEATH_SIGNAL",
            value::signal,
        )?,
        warn_on_reap: source
            .flag("warn-on-reap", "RINIT_WARN_ON_REAP")?
            .unwrap_or(false),
        make_room: source.flag_variable("RINIT_MAKE_ROOM")?.unwrap_or(true),
        level: level(source)?,
        termination_log: termination_log(source)?,
        ..Options::default()
    };
    for signal in source.each("stop-signal", "RINIT_STOP_SIGNAL", value::signal)? {
        options.stop_signals.add(signal);
    }
    for rewrite in source.each("rewrite", "RINIT_REWRITE", value::rewrite)? {
        options.rewrites.add(rewrite);
    }
    for code in source.each("expect-exit", "RINIT_EXPECT_EXIT", value::exit_code)? {
        options.expected_exits.add(code);
    }
    Ok(options)
}

fn forward_to(source: &Source) -> Result<ForwardTo, UsageError> {
    let named = source.last("forward-to", "RINIT_FORWARD_TO", value::forward_to)?;
    let single_child = source.flag("single-child", "RINIT_SINGLE_CHILD")?;
    let is_given = |option| {
        let matches = source.matches;
        matches.is_some_and(|matches| matches.get_flag(option))
    };
    let default = || match single_child {
        Some(true) => ForwardTo::Command,
        Some(false) => ForwardTo::Group,
        None if is_given("group") => ForwardTo::Group,
        None if source.variable_is("DUMB_INIT_SETSID", "0") => ForwardTo::Command,
        None => ForwardTo::default_of(source.program),
    };
    Ok(named.unwrap_or_else(default))
}

/// The command line wins over rinit's variables, and these over the peers'.
fn level(source: &Source) -> Result<Level, UsageError> {
    let quiet = source.flag("quiet", "RINIT_QUIET")?;
    let verbose = source.variable("RINIT_VERBOSE", value::verbosity)?;
    let times = source.matches.map(|matches| matches.get_count("verbose"));
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
    // tini's 1 is what rinit says by default, and its 0 is less than that.
    if let Some(verbosity) = source.variable("TINI_VERBOSITY", value::verbosity)? {
        return Ok(verbosity
            .checked_sub(1)
            .map_or(Level::Quiet, Level::verbose));
    }
    if source.variable_is("DUMB_INIT_DEBUG", "1") {
        return Ok(Level::Signals);
    }
    Ok(Level::Normal)
}

/// An empty variable is not an unset one here: it means that there is no file.
fn termination_log(source: &Source) -> Result<Option<PathBuf>, UsageError> {
    let name = TERMINATION_LOG;
    let by_variable = source.set_variable(name);
    let by_variable = by_variable
        .map(|word| read(name, &word, value::file))
        .transpose()?;
    Ok(source
        .given("termination-log", value::file)?
        .or(by_variable))
}

/// Where options come from: the command line first, then the environment,
/// which must be right even where it comes too late.
struct Source<'a> {
    /// The name that rinit was started by.
    program: &'a OsStr,
    /// `None`: there is no option on the command line.
    matches: Option<&'a ArgMatches>,
    environment: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Reads one word; `Err` says what is allowed in its place.
type Reader<T> = fn(&str) -> Result<T, &'static str>;

impl Source<'_> {
    /// Set on the command line or, one way or the other, by the variable.
    fn flag(&self, option: &str, variable: &str) -> Result<Option<bool>, UsageError> {
        let by_variable = self.flag_variable(variable)?;
        let is_given = self.matches.is_some_and(|matches| matches.get_flag(option));
        Ok(if is_given { Some(true) } else { by_variable })
    }

    fn flag_variable(&self, name: &str) -> Result<Option<bool>, UsageError> {
        // For a flag alone, empty is not the same as unset: it means off.
        match self.set_variable(name) {
            Some(word) => read(name, &word, value::flag).map(Some),
            None => Ok(None),
        }
    }

    /// A value of which the last one holds.
    fn last<T>(
        &self,
        option: &str,
        variable: &str,
        reader: Reader<T>,
    ) -> Result<Option<T>, UsageError> {
        let by_variable = self.variable(variable, reader)?;
        Ok(self.given(option, reader)?.or(by_variable))
    }

    /// A value on the command line.
    fn given<T>(&self, option: &str, reader: Reader<T>) -> Result<Option<T>, UsageError> {
        let word = self
            .matches
            .and_then(|matches| matches.get_one::<OsString>(option));
        word.map(|word| read(&format!("--{option}"), word, reader))
            .transpose()
    }

    /// A repeatable value; in the variable, separated by commas.
    fn each<T>(
        &self,
        option: &str,
        variable: &str,
        reader: Reader<T>,
    ) -> Result<Vec<T>, UsageError> {
        let list = self.nonempty_variable(variable);
        let by_variable = list.iter().flat_map(|list| {
            list.as_bytes()
                .split(|byte| *byte == b',')
                .map(|word| read(variable, OsStr::from_bytes(word), reader))
        });
        let by_variable = by_variable.collect::<Result<_, _>>()?;
        let given = self
            .matches
            .and_then(|matches| matches.get_many::<OsString>(option));
        match given {
            Some(words) => {
                let option = format!("--{option}");
                words.map(|word| read(&option, word, reader)).collect()
            }
            None => Ok(by_variable),
        }
    }

    fn variable<T>(&self, name: &str, reader: Reader<T>) -> Result<Option<T>, UsageError> {
        match self.nonempty_variable(name) {
            Some(word) => read(name, &word, reader).map(Some),
            None => Ok(None),
        }
    }

    fn variable_is(&self, name: &str, value: &str) -> bool {
        self.set_variable(name).is_some_and(|word| word == value)
    }

    fn set_variable(&self, name: &str) -> Option<OsString> {
        (self.environment)(name)
    }

    /// Compose files and manifests pass empty variables on for unset ones.
    fn nonempty_variable(&self, name: &str) -> Option<OsString> {
        self.set_variable(name).filter(|word| !word.is_empty())
    }
}

fn read<T>(source: &str, word: &OsStr, reader: Reader<T>) -> Result<T, UsageError> {
    let result = word
        .to_str()
        .map(reader)
        .unwrap_or_else(|| reader("\u{fffd}"));
    result.map_err(|allowed| UsageError::BadValue {
        source: source.into(),
        word: word.to_owned(),
        allowed,
    })
}

/// clap's errors come as several lines; rinit's are one.
fn usage_error(error: &clap::Error, words: &[OsString]) -> UsageError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let word = context(ContextKind::InvalidArg);
    // clap shows an option that it knows together with its value or, where it counts, with dots.
    let known = word.split([' ', '=', '.']).next().unwrap_or_default();
    let option = known.into();
    match error.kind() {
        ErrorKind::TooManyValues => UsageError::UnwantedValue {
            option,
            word: context(ContextKind::InvalidValue).into(),
        },
        ErrorKind::InvalidValue => UsageError::MissingValue { option },
        _ => UsageError::UnknownOption {
            option: cluster_with_value(&word, words).unwrap_or_else(|| word.into()),
        },
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
