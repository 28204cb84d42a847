//! Text that needs no memory from the heap.

use std::fmt::{self, Write};

/// Stands for what did not fit.
const ELLIPSIS: &str = "...";

/// Text of up to `CAPACITY` bytes; what goes beyond that is cut off.
pub struct FixedString<const CAPACITY: usize> {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl<const CAPACITY: usize> FixedString<CAPACITY> {
    pub fn new(text: fmt::Arguments) -> Self {
        let mut new = Self {
            bytes: [0; CAPACITY],
            length: 0,
        };
        // The one failure there is: no room is left.
        if new.write_fmt(text).is_err() {
            new.append(ELLIPSIS);
        }
        new
    }

    /// A line: the text and a line feed, for which there is always room.
    pub fn line(text: fmt::Arguments) -> Self {
        let mut new = Self::new(text);
        new.append("\n");
        new
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    pub fn as_str(&self) -> &str {
        // Only whole characters are ever appended.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn append(&mut self, text: &str) {
        let end = self.length.saturating_add(text.len());
        if let Some(place) = self.bytes.get_mut(self.length..end) {
            for (byte, value) in place.iter_mut().zip(text.bytes()) {
                *byte = value;
            }
            self.length = end;
        }
    }

    /// The ellipsis and the line feed have their places kept.
    fn room(&self) -> usize {
        let kept = ELLIPSIS.len().saturating_add(1);
        CAPACITY.saturating_sub(kept).saturating_sub(self.length)
    }
}

impl<const CAPACITY: usize> Write for FixedString<CAPACITY> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut fits = self.room().min(text.len());
        while !text.is_char_boundary(fits) {
            fits = fits.saturating_sub(1);
        }
        self.append(text.get(..fits).unwrap_or_default());
        if fits < text.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_and_still_ends() {
        let line = FixedString::<64>::line(format_args!("{}", "é".repeat(3000)));
        assert!(line.as_bytes().len() <= 64);
        assert!(line.as_str().ends_with("é...\n"), "{}", line.as_str());
    }

    #[test]
    fn a_short_text_stays_as_it_is() {
        assert_eq!(
            FixedString::<64>::new(format_args!("one {}", 2)).as_str(),
            "one 2"
        );
        assert_eq!(
            FixedString::<64>::line(format_args!("one {}", 2)).as_str(),
            "one 2\n"
        );
    }
}
