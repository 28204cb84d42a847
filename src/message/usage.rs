//! What is wrong on the command line or in a variable.

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;

use super::escaped::Escaped;
use super::part::Quoted;
use crate::options::VariableWarning;

/// What is wrong on the command line or in a variable.
#[derive(PartialEq, Eq, Debug)]
pub enum UsageError {
    NoCommand,
    CommandBesidePause {
        word: OsString,
    },
    UnknownOption {
        option: OsString,
        /// The long option that it may be.
        meant: Option<&'static str>,
    },
    /// An option and more, as one word.
    SeveralWords {
        word: OsString,
    },
    MissingValue {
        option: OsString,
    },
    UnwantedValue {
        option: OsString,
        word: OsString,
    },
    BadValue {
        /// The option or the variable.
        source: OsString,
        word: OsString,
        allowed: &'static str,
    },
}

impl Display for UsageError {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::NoCommand => f.write_str(
                "no COMMAND to run; usage: rinit [OPTIONS] [--] COMMAND [ARG]..., see rinit --help (in a Dockerfile, ENTRYPOINT drops the CMD of the base image: write it again)",
            ),
            Self::CommandBesidePause { word } => {
                write!(f, "--pause takes no COMMAND, but got {}", Quoted(word))
            }
            Self::UnknownOption {
                option,
                meant: Some(meant),
            } => write!(f, "unknown option {}; --{meant} may be meant", Quoted(option)),
            Self::SeveralWords { word } => write!(
                f,
                "{} is one word; write its parts as separate words, as in [\"rinit\", \"-v\", \"--\", \"app\"]",
                Quoted(word)
            ),
            Self::UnknownOption { option, .. } => write!(
                f,
                "unknown option {}; rinit --help lists the options that are allowed",
                Quoted(option)
            ),
            Self::MissingValue { option } => {
                write!(f, "{} needs a value; see rinit --help", Quoted(option))
            }
            Self::UnwantedValue { option, word } => write!(
                f,
                "{} takes no value, but got {}",
                Quoted(option),
                Quoted(word)
            ),
            Self::BadValue {
                source,
                word,
                allowed,
            } => write!(
                f,
                "{}: invalid value {}; expected {allowed}",
                Escaped(source.as_bytes()),
                Quoted(word)
            ),
        }
    }
}

impl Display for VariableWarning {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self {
            Self::Malformed { name, word } => write!(
                f,
                "{name}: invalid value {}, ignored; RINIT_VERBOSE=N takes its place",
                Quoted(word)
            ),
            Self::Misspelt { name, meant } => write!(
                f,
                "{} is no variable of rinit's, and ignored; {meant} may be meant",
                Escaped(name.as_bytes())
            ),
        }
    }
}

/// What a value may be.
pub mod allowed {
    pub const FLAG: &str = "1, true, yes or on; 0, false, no, off or nothing";
    pub const VERBOSITY: &str = "a number from 0 to 255: 1 for -v, 2 for -vv, 3 for -vvv";
    pub const FORWARD_TO: &str = "group, command or auto";
    pub const EXIT_CODE: &str = "a number from 0 to 255";
    pub const SIGNAL: &str =
        "a signal: a name such as TERM or SIGTERM, RTMIN+n, RTMAX-n, or a number from 1 to 64";
    pub const REWRITE: &str = "FROM:TO with two signals, such as TERM:QUIT or 15:3; TO may be 0 to drop FROM, and FROM may not be KILL or STOP";
    pub const REWRITE_TO: &str =
        "FROM:TO, where TO is a signal such as QUIT or 3, or 0 to drop FROM";
    pub const REWRITE_FROM: &str =
        "FROM:TO, where FROM is a signal such as TERM or 15, but not KILL or STOP";
    pub const DURATION_UNIT: &str =
        "a number of seconds, or numbers with units of h, m, s and ms, such as 1m30s";
    pub const DURATION_ORDER: &str =
        "a number of seconds, or larger units before smaller ones, each once, such as 1m30s";
    pub const FILE: &str = "an absolute path, or an empty word for no file";
    pub const DURATION: &str = "a number of seconds such as 8 or 1.5, or 500ms, 8s, 2m, 1m30s";
}
