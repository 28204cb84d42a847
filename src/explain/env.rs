//! A script whose first line asks `env` for its interpreter. The exec succeeds
//! then, and it is env that fails, with 127.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::cause::{Cause, Failure};
use super::file;
use super::format::{Format, Interpreter};
use super::program::file_that_ran;
use crate::search::Search;

/// Why env could not run what COMMAND's first line asks for, if it was that.
pub fn why_failed(search: &Search) -> Option<Failure> {
    let file = file_that_ran(search)?;
    let Format::Script(Some(interpreter)) = file::format(file) else {
        return None;
    };
    let asked = asked_of_env(&interpreter)?;
    let is_found = |directory: &Path| directory.join(asked).exists();
    if asked.as_bytes().contains(&b'/') || search.directories().any(is_found) {
        return None;
    }
    let cause = match asked.as_bytes().strip_suffix(b"\r") {
        Some(meant) => Cause::EnvCarriageReturn {
            name: OsStr::from_bytes(meant).to_owned(),
        },
        None => Cause::EnvMissing {
            name: asked.to_owned(),
        },
    };
    Some(Failure::of(file.clone(), cause))
}

/// What env is to run (env(1)): the whole argument, or with `-S` its first word behind assignments.
fn asked_of_env(interpreter: &Interpreter) -> Option<&OsStr> {
    if interpreter.path.file_name() != Some(OsStr::new("env")) {
        return None;
    }
    let argument: &[u8] = &interpreter.argument;
    let asked = match argument.strip_prefix(b"-S") {
        Some(words) => words
            .split(u8::is_ascii_whitespace)
            .find(|word| !word.is_empty() && !word.contains(&b'='))?,
        None => argument,
    };
    let is_program = !asked.is_empty() && !asked.starts_with(b"-") && !asked.contains(&b'=');
    is_program.then(|| OsStr::from_bytes(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_that_env_is_asked_for_is_found() {
        for (path, argument, name) in [
            ("/usr/bin/env", "node", Some("node")),
            ("/usr/bin/env", "node\r", Some("node\r")),
            ("/usr/bin/env", "python3 -u", Some("python3 -u")),
            ("/bin/env", "-S python3 -u", Some("python3")),
            ("/bin/env", "-Spython3 -u", Some("python3")),
            ("/bin/env", "-S python3\r", Some("python3")),
            ("/usr/bin/env", "-S A=1 ruby", Some("ruby")),
            ("/usr/bin/env", "A=1", None),
            ("/usr/bin/env", "-i sh", None),
            ("/usr/bin/env", "", None),
            ("/bin/sh", "env", None),
        ] {
            let interpreter = Interpreter {
                path: path.into(),
                argument: argument.into(),
            };
            let asked = asked_of_env(&interpreter);
            assert_eq!(asked, name.map(OsStr::new), "{path} {argument:?}");
        }
    }

    #[test]
    fn a_program_that_is_there_is_not_to_blame() {
        let own = Search::new(OsStr::new("/proc/self/exe"), None);
        assert!(why_failed(&own).is_none());
    }
}
