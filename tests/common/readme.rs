//! What README shows.

pub const TEXT: &str = include_str!("../../README.md");

/// The first words in backticks that begin so.
pub fn code(begin: &str) -> &'static str {
    let mut words = TEXT.split('`').skip(1);
    words
        .find(|words| words.starts_with(begin))
        .expect("such words")
}

/// The first block of that kind behind a line.
pub fn block(behind: &str, kind: &str) -> &'static str {
    let (_, rest) = TEXT.split_once(behind).expect("the line");
    let (_, block) = rest.split_once(&format!("```{kind}\n")).expect("a block");
    block.split_once("```").expect("the block's end").0
}
