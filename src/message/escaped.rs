//! Text from files, arguments and process names. A hostile process can name
//! itself with terminal escapes.

use std::fmt::{self, Display, Formatter, Write};

/// Shows bytes so that they cannot act on a terminal and stay on one line:
/// printable UTF-8 as it is, control characters and other bytes as `\xNN`.
pub struct Escaped<'a>(pub &'a [u8]);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if is_harmless(character) {
                    f.write_char(character)?;
                } else {
                    let mut bytes = [0; 4];
                    write_hex(f, character.encode_utf8(&mut bytes).as_bytes())?;
                }
            }
            write_hex(f, chunk.invalid())?;
        }
        Ok(())
    }
}

/// Whether all of it is shown as it is.
pub fn is_printable(bytes: &[u8]) -> bool {
    let mut chunks = bytes.utf8_chunks();
    chunks.all(|chunk| chunk.invalid().is_empty() && chunk.valid().chars().all(is_harmless))
}

fn write_hex(f: &mut Formatter, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

/// Neither a control character, nor a line or paragraph separator, nor one
/// that reorders or hides the text around it (Unicode's Bidi_Control and
/// zero-width characters).
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printable_stays_and_all_else_is_hex() {
        for (bytes, shown) in [
            (&b"plain name"[..], "plain name"),
            ("käse".as_bytes(), "käse"),
            (b"a\nb\tc", "a\\x0ab\\x09c"),
            (b"\x1b[2Jgone", "\\x1b[2Jgone"),
            (b"\xff\xfe", "\\xff\\xfe"),
            ("\u{9b}31m".as_bytes(), "\\xc2\\x9b31m"),
            ("\u{202e}txt".as_bytes(), "\\xe2\\x80\\xaetxt"),
        ] {
            assert_eq!(Escaped(bytes).to_string(), shown);
        }
    }
}
