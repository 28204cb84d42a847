//! The manual page, made from the definitions that `--help` shows.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use clap_mangen::Man;

use super::help;

/// What `--help` has no room for.
const FURTHER_SECTIONS: &str = include_str!("manual.roff");

fn manual() -> Result<Vec<u8>, Box<dyn Error>> {
    let command = help::in_full()
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
    Ok(page)
}

/// `RINIT_MANUAL` is where a release wants the page to be.
#[test]
fn man_has_nothing_to_warn_of_in_the_manual_page() -> Result<(), Box<dyn Error>> {
    let scratch = std::env::temp_dir().join(format!("rinit-manual-{}.1", std::process::id()));
    let wanted = std::env::var_os("RINIT_MANUAL").map(PathBuf::from);
    let path = wanted.as_ref().unwrap_or(&scratch);
    fs::write(path, manual()?)?;
    let shown = Command::new("man")
        .args(["--warnings", "--encoding=UTF-8", "--local-file"])
        .arg(path)
        .envs([("LC_ALL", "C.UTF-8"), ("MANWIDTH", "80")])
        .output();
    if wanted.is_none() {
        fs::remove_file(&scratch)?;
    }
    if shown.is_err() && std::env::var_os("CI").is_none_or(|value| value != "true") {
        writeln!(io::stderr(), "\n*** SKIPPED: there is no man ***")?;
        return Ok(());
    }
    let shown = shown?;
    println!("{}", String::from_utf8_lossy(&shown.stdout));
    assert_eq!(String::from_utf8_lossy(&shown.stderr), "");
    assert!(shown.status.success());
    Ok(())
}
