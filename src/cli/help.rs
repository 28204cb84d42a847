//! What `--help` and `-h` print, and the manual page too, comes from the definitions of the options. The texts are made
//! beforehand: what clap makes them with is a sixth of a binary.

use clap::Command;
#[cfg(test)]
use clap::builder::Resettable;

use super::parser::command;
use crate::message;

pub fn in_full() -> Command {
    command()
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
    for (mut defined, text, file) in [
        (in_full(), message::HELP, "help.txt"),
        (in_brief(), message::BRIEF_HELP, "brief_help.txt"),
    ] {
        let help = defined.render_help().to_string();
        assert!(help == text, "src/message/{file} is to be:\n{help}");
    }
}
