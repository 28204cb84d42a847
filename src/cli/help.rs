//! What `--help` and `-h` print, and the manual page too, comes from the definitions of the options. The texts are made
//! beforehand: what clap makes them with is a sixth of a binary.

use clap::Command;
#[cfg(test)]
use clap::builder::Resettable;

use super::definitions::{Kind, LISTINGS, OPTIONS};
use super::parser::command;
use crate::message;

pub fn in_full() -> Command {
    OPTIONS
        .iter()
        .zip(LISTINGS)
        .fold(command(), |command, (option, listing)| {
            command.mut_arg(option.name, |arg| {
                let arg = arg.help(listing.help).help_heading(listing.group);
                match option.kind {
                    Kind::Value(name) | Kind::Values(name) => arg.value_name(name),
                    _ => arg,
                }
            })
        })
        .override_usage("rinit [OPTIONS] [--] COMMAND [ARG]...")
        .about(message::ABOUT)
        .after_help(message::AFTER_HELP)
}

#[cfg(test)]
fn in_brief() -> Command {
    in_full()
        .about(Resettable::Reset)
        .after_help(message::AFTER_BRIEF_HELP)
}

#[test]
fn the_help_is_what_the_options_are_defined_to_be() {
    let help = in_full().render_help().to_string();
    assert!(
        help == message::full_help(),
        "src/message/help.rs and options_help.txt are to make:\n{help}"
    );
    let brief = in_brief().render_help().to_string();
    assert_eq!(brief, message::brief_help());
}
