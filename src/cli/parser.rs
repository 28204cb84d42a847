//! clap's parser, made from the definitions of the options.

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command};

use super::definitions::{Definition, Kind, OPTIONS};

pub fn command() -> Command {
    let command = Command::new("rinit")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
        .infer_long_args(true);
    OPTIONS.iter().map(arg).fold(command, Command::arg).arg(
        Arg::new("command")
            .value_parser(ValueParser::os_string())
            .num_args(1..)
            .trailing_var_arg(true)
            .hide(true),
    )
}

fn arg(option: &Definition) -> Arg {
    let mut arg = Arg::new(option.name);
    if let Some(letter) = option.letter {
        arg = arg.short(letter);
    }
    if option.kind != Kind::Hidden {
        arg = arg.long(option.name);
    }
    let arg = match option.name {
        "license" => arg.short_alias('L'),
        "verbose" => arg.overrides_with("quiet"),
        "quiet" => arg.overrides_with("verbose"),
        _ => arg,
    };
    match option.kind {
        Kind::Flag => arg.action(ArgAction::SetTrue),
        Kind::Count => arg.action(ArgAction::Count),
        Kind::Help => arg.action(ArgAction::HelpShort),
        Kind::Hidden => arg.action(ArgAction::SetTrue).hide(true),
        Kind::Value(_) => value_of(arg),
        Kind::Values(_) => value_of(arg).action(ArgAction::Append),
    }
}

/// The word is taken as it is, even if it begins with a hyphen: rinit's own words
/// for what is wrong with it are better.
fn value_of(arg: Arg) -> Arg {
    arg.allow_hyphen_values(true)
        .value_parser(ValueParser::os_string())
}
