//! A script whose first line asks `env` for its interpreter. The exec succeeds
//! then, and it is env that fails, with 127.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::file::Contents;
use super::format::{Format, Interpreter};
use super::{Cause, Failure};
use crate::search::Search;

/// Why env could not run what COMMAND's first line asks for, if it was that.
pub fn why_failed(search: &Search) -> Option<Failure> {
    let file = search.paths.iter().find(|path| path.exists())?;
    let Format::Script(interpreter) = Contents::read(file).format() else {
        return None;
    };
    let name = asked_of_env(&interpreter)?;
    let cause = if interpreter.carriage_return {
        Cause::EnvCarriageReturn { name }
    } else {
        let is_found = |directory: &Path| directory.join(&name).exists();
        if name.as_bytes().contains(&b'/') || search.directories().any(is_found) {
            return None;
        }
        Cause::EnvMissing { name }
    };
    let file = file.clone();
    Some(Failure { file, cause })
}

/// What env is to run, behind `-S` and assignments (env(1)).
fn asked_of_env(interpreter: &Interpreter) -> Option<OsString> {
    if interpreter.path.file_name() != Some(OsStr::new("env")) {
        return None;
    }
    let mut words = interpreter.argument.split(u8::is_ascii_whitespace);
    let name = words
        .find(|word| !word.is_empty() && *word != b"-S" && !word.contains(&b'='))
        .filter(|name| !name.starts_with(b"-"))?;
    Some(OsStr::from_bytes(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::format::interpreter;
    use super::*;

    #[test]
    fn the_program_that_env_is_asked_for_is_found() {
        for (line, name) in [
            ("#!/usr/bin/env node", Some("node")),
            ("#!/bin/env -S python3 -u", Some("python3")),
            ("#!/usr/bin/env -S A=1 ruby", Some("ruby")),
            ("#!/usr/bin/env -i sh", None),
            ("#!/usr/bin/env", None),
            ("#!/bin/sh env", None),
        ] {
            let asked = interpreter(line.as_bytes()).and_then(|line| asked_of_env(&line));
            assert_eq!(asked, name.map(OsString::from), "{line}");
        }
    }

    #[test]
    fn a_program_that_is_there_is_not_to_blame() {
        let own = Search::new(OsStr::new("/proc/self/exe"), None);
        assert!(why_failed(&own).is_none());
    }
}
