//! The parts that sentences are made of.

use std::ffi::OsStr;
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::unistd::Pid;

use super::escaped::{Escaped, is_printable};
use crate::ending::Ending;
use crate::explain::Arch;
use crate::process::Name;

/// The beginning of a further line.
pub const INDENT: &str = "\n       ";

/// `pid 12 (sh)`
pub struct Process<'a>(pub Pid, pub &'a Name);

impl Display for Process<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "pid {}", self.0)?;
        match self.1.bytes() {
            [] => Ok(()),
            name => write!(f, " ({})", Escaped(name)),
        }
    }
}

/// How a process ended, as a predicate.
pub struct How(pub Ending);

impl Display for How {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        match self.0 {
            Ending::Exited(code) => write!(f, "exited with status {code}"),
            Ending::Killed {
                by,
                core_dumped: false,
            } => write!(f, "was killed by {by}"),
            Ending::Killed {
                by,
                core_dumped: true,
            } => write!(f, "was killed by {by} (core dumped)"),
        }
    }
}

/// A word of the user's, in double quotes.
pub struct Quoted<'a>(pub &'a OsStr);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0.as_bytes()))
    }
}

/// A file by its path.
pub struct File<'a>(pub &'a Path);

impl Display for File<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        Quoted(self.0.as_os_str()).fmt(f)
    }
}

/// A word of a line for a shell to run.
pub struct Word<'a>(pub &'a OsStr);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let word = self.0.as_bytes();
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(byte);
        if word.starts_with(b"-") {
            f.write_str("./")?;
        }
        if !word.is_empty() && word.iter().all(is_plain) {
            return write!(f, "{}", Escaped(word));
        }
        if is_printable(word) {
            let mut parts = word.split(|byte| *byte == b'\'');
            write!(f, "'{}", Escaped(parts.next().unwrap_or_default()))?;
            for part in parts {
                write!(f, "'\\''{}", Escaped(part))?;
            }
            return f.write_str("'");
        }
        // Not every shell knows these, but no other quotes can hold what must be escaped.
        f.write_str("$'")?;
        for part in word.split_inclusive(|byte| b"'\\".contains(byte)) {
            // Before what would end the quotes, or begin an escape.
            match part.split_last() {
                Some((last @ (b'\'' | b'\\'), rest)) => {
                    write!(f, "{}\\{}", Escaped(rest), char::from(*last))?;
                }
                _ => write!(f, "{}", Escaped(part))?,
            }
        }
        f.write_str("'")
    }
}

/// An architecture, `arm64 (aarch64)`.
pub struct Named(pub Arch);

impl Display for Named {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Arch { docker, kernel } = self.0;
        match docker {
            Some(docker) if docker != kernel => write!(f, "{docker} ({kernel})"),
            _ => f.write_str(kernel),
        }
    }
}

/// A number of bytes in the largest unit that makes it a whole number.
pub struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        for (size, unit) in UNITS {
            if let (Some(count @ 1..), Some(0)) =
                (self.0.checked_div(size), self.0.checked_rem(size))
            {
                return write!(f, "{count} {unit}");
            }
        }
        write!(f, "{} bytes", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_a_shell_is_one_word_and_nothing_but_a_word() {
        for (word, shown) in [
            ("/usr/bin/app-1.2", "/usr/bin/app-1.2"),
            ("-rf", "./-rf"),
            ("", "''"),
            ("my app", "'my app'"),
            ("a;reboot", "'a;reboot'"),
            ("it's", "'it'\\''s'"),
            ("a\\b", "'a\\b'"),
            ("a\nb", "$'a\\x0ab'"),
            ("käse", "'käse'"),
        ] {
            assert_eq!(Word(OsStr::new(word)).to_string(), shown);
        }
    }

    #[test]
    fn bytes_are_shown_in_the_largest_unit_that_divides_them() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (100, "100 bytes"),
            (1024, "1 KiB"),
            (1536, "1536 bytes"),
            (32 << 20, "32 MiB"),
            (5 << 30, "5 GiB"),
            (1536 << 20, "1536 MiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }
}
