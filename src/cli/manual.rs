//! Prints the manual page, made from the definitions that `--help` shows: `cargo run --example manual`.

use std::error::Error;
use std::io::{self, Write};

use clap_mangen::Man;

/// What `--help` has no room for.
const FURTHER_SECTIONS: &str = include_str!("manual.roff");

fn main() -> Result<(), Box<dyn Error>> {
    let command = rinit::command_line()
        // Whose headings would come between those of the page.
        .mut_args(|arg| arg.help_heading(None));
    let man = Man::new(command)
        .title("RINIT")
        .source(concat!("rinit ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    page.extend(b".SH NAME\nrinit \\- the first process of a container\n");
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    page.extend(FURTHER_SECTIONS.as_bytes());
    io::stdout().write_all(&page)?;
    Ok(())
}
