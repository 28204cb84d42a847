//! What a shell would have understood, in the place of a program's name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Commands that a shell carries out itself (builtins, and words of its grammar), and that no image has as programs.
const BUILTINS: [&[u8]; 13] = [
    b".", b"cd", b"eval", b"exec", b"export", b"for", b"if", b"set", b"source", b"trap", b"ulimit",
    b"umask", b"while",
];

#[derive(Clone, Copy)]
pub enum ShellWord {
    Variable,
    Quotes,
    Assignment,
    Builtin,
    /// It ends a command, joins two, or leads output somewhere.
    Operator,
}

impl ShellWord {
    pub fn find(word: &OsStr) -> Option<Self> {
        let word = word.as_bytes();
        let first = word.split(|byte| *byte == b' ').next()?;
        if matches!(word.first(), Some(b'\'' | b'"')) {
            return Some(Self::Quotes);
        }
        if is_assignment(first) {
            return Some(Self::Assignment);
        }
        if word.starts_with(b"~") {
            return Some(Self::Variable);
        }
        if BUILTINS.contains(&first) {
            return Some(Self::Builtin);
        }
        word.iter().find_map(|byte| match byte {
            b'$' | b'`' => Some(Self::Variable),
            b';' | b'&' | b'|' | b'<' | b'>' => Some(Self::Operator),
            _ => None,
        })
    }
}

/// Like `NAME=value`.
fn is_assignment(word: &[u8]) -> bool {
    let mut parts = word.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    parts.next().is_some() && !name.is_empty() && name.iter().all(is_name)
}
