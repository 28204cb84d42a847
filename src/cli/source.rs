//! Where options come from: the command line first, then the environment, which must be right even where it
//! comes too late.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use clap::ArgMatches;

use super::definitions::Definition;
use super::value;
use crate::message::UsageError;
use crate::options::VariableWarning;

pub struct Source<'a> {
    /// The name that rinit was started by.
    pub program: &'a OsStr,
    /// `None`: there is no option on the command line.
    pub matches: Option<&'a ArgMatches>,
    pub environment: &'a dyn Fn(&str) -> Option<OsString>,
    pub warnings: RefCell<Vec<VariableWarning>>,
}

/// Reads one word; `Err`: what is allowed in its place.
pub type Reader<T> = fn(&str) -> Result<T, &'static str>;

impl Source<'_> {
    /// Whether the flag is on the command line.
    pub fn is_given(&self, option: &Definition) -> bool {
        let matches = self.matches;
        matches.is_some_and(|matches| matches.get_flag(option.name))
    }

    /// Set on the command line or, one way or the other, by the variable.
    pub fn flag(&self, option: &Definition) -> Result<Option<bool>, UsageError> {
        let by_variable = match option.variable {
            Some(variable) => self.flag_variable(variable)?,
            None => None,
        };
        Ok(if self.is_given(option) {
            Some(true)
        } else {
            by_variable
        })
    }

    pub fn flag_variable(&self, name: &str) -> Result<Option<bool>, UsageError> {
        // For a flag alone, empty is not the same as unset: it means off.
        let word = self.set_variable(name);
        word.map(|word| read(name, &word, value::flag)).transpose()
    }

    /// A value of which the last one holds.
    pub fn last<T>(&self, option: &Definition, reader: Reader<T>) -> Result<Option<T>, UsageError> {
        let by_variable = self.variable(option, reader)?;
        Ok(self.given(option, reader)?.or(by_variable))
    }

    /// A value on the command line.
    pub fn given<T>(
        &self,
        option: &Definition,
        reader: Reader<T>,
    ) -> Result<Option<T>, UsageError> {
        let mut value = None;
        self.take_given(option, &mut |word| {
            value = Some(reader(word)?);
            Ok(())
        })?;
        Ok(value)
    }

    /// A repeatable value; in the variable, separated by commas.
    pub fn each<T>(&self, option: &Definition, reader: Reader<T>) -> Result<Vec<T>, UsageError> {
        let mut by_variable = vec![];
        self.take_list(option, &mut |word| {
            by_variable.push(reader(word)?);
            Ok(())
        })?;
        let mut given = vec![];
        self.take_given(option, &mut |word| {
            given.push(reader(word)?);
            Ok(())
        })?;
        Ok(if given.is_empty() { by_variable } else { given })
    }

    fn take_given(&self, option: &Definition, take: Take) -> Result<(), UsageError> {
        let words = self
            .matches
            .and_then(|matches| matches.get_many::<OsString>(option.name));
        for word in words.into_iter().flatten() {
            read(&format!("--{}", option.name), word, &mut *take)?;
        }
        Ok(())
    }

    fn take_list(&self, option: &Definition, take: Take) -> Result<(), UsageError> {
        let name = option.variable.unwrap_or_default();
        let Some(list) = self.nonempty_variable(name) else {
            return Ok(());
        };
        for word in list.as_bytes().split(|byte| *byte == b',') {
            read(name, OsStr::from_bytes(word), &mut *take)?;
        }
        Ok(())
    }

    /// An empty variable is none.
    pub fn variable<T>(
        &self,
        option: &Definition,
        reader: Reader<T>,
    ) -> Result<Option<T>, UsageError> {
        let name = option.variable.unwrap_or_default();
        let word = self.nonempty_variable(name);
        word.map(|word| read(name, &word, reader)).transpose()
    }

    /// A variable of another init's. What is malformed there starts no less than with that init.
    pub fn peer<T>(&self, name: &'static str, reader: Reader<T>) -> Option<T> {
        let word = self.nonempty_variable(name)?;
        let value = read(name, &word, reader);
        if value.is_err() {
            let warning = VariableWarning::Malformed { name, word };
            self.warnings.borrow_mut().push(warning);
        }
        value.ok()
    }

    pub fn variable_is(&self, name: &str, value: &str) -> bool {
        self.set_variable(name).is_some_and(|word| word == value)
    }

    pub fn set_variable(&self, name: &str) -> Option<OsString> {
        (self.environment)(name)
    }

    /// Compose files and manifests pass empty variables on for unset ones.
    pub fn nonempty_variable(&self, name: &str) -> Option<OsString> {
        self.set_variable(name).filter(|word| !word.is_empty())
    }
}

/// A [`Reader`] that keeps what it has read, so that the binary holds the ways from words to values once, and not for
/// every kind of value.
type Take<'t> = &'t mut dyn FnMut(&str) -> Result<(), &'static str>;

pub fn read<T>(
    source: &str,
    word: &OsStr,
    reader: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<T, UsageError> {
    let text = word.to_str().unwrap_or("\u{fffd}");
    reader(text).map_err(|allowed| UsageError::BadValue {
        source: source.into(),
        word: word.to_owned(),
        allowed,
    })
}
