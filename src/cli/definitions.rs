//! Every option, a row each: what it is called, which variable stands for it, and its help. The parser, the
//! variables, `--help`, the manual and the fuzzer are driven by these rows.

/// An option.
pub struct Definition {
    /// The long option, without its hyphens; for an option that has but a letter, what it is for.
    pub name: &'static str,
    pub letter: Option<char>,
    pub variable: Option<&'static str>,
    pub kind: Kind,
}

/// How an option is listed. Apart from the definition, since the binary has the finished texts and no use for the parts.
pub struct Listing {
    /// The heading that it is listed below.
    pub group: &'static str,
    pub help: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Flag,
    /// A flag that may be repeated.
    Count,
    /// With a value, of this name.
    Value(&'static str),
    /// The same, repeatable.
    Values(&'static str),
    Help,
    /// A letter alone, for another init's sake, and not listed.
    Hidden,
}

/// Defines each row as a constant, and [`OPTIONS`] and [`LISTINGS`] as all of them in order.
macro_rules! options {
    ($($constant:ident: $name:literal, $letter:expr, $variable:expr, $kind:expr, $group:literal, $help:literal;)*) => {
        $(pub const $constant: Definition = Definition {
            name: $name,
            letter: $letter,
            variable: $variable,
            kind: $kind,
        };)*
        /// In the order and the groups in which `--help` lists them.
        pub const OPTIONS: &[Definition] = &[$($constant),*];
        /// Of each of them.
        pub const LISTINGS: &[Listing] = &[$(Listing { group: $group, help: $help }),*];
    };
}

use Kind::{Count, Flag, Help, Hidden, Value, Values};

options! {
    SINGLE_CHILD: "single-child", Some('c'), Some("RINIT_SINGLE_CHILD"), Flag,
        "Signals", "Signal COMMAND alone, not its group";
    FORWARD_TO: "forward-to", None, Some("RINIT_FORWARD_TO"), Value("WHOM"),
        "Signals", "group (default), command, or auto";
    STOP_SIGNAL: "stop-signal", None, Some("RINIT_STOP_SIGNAL"), Values("SIGNAL"),
        "Signals", "One more signal that asks for a stop";
    REWRITE: "rewrite", Some('r'), Some("RINIT_REWRITE"), Values("FROM:TO"),
        "Signals", "Forward TO in place of FROM; 0: nothing";
    PARENT_DEATH_SIGNAL: "parent-death-signal", Some('p'), Some("RINIT_PARENT_DEATH_SIGNAL"), Value("SIGNAL"),
        "Signals", "Get SIGNAL when rinit's own parent dies";
    GRACE: "grace", Some('t'), Some("RINIT_GRACE"), Value("DURATION"),
        "Stopping", "Limit for what outlives COMMAND, from its exit;\n10s by default, none after a stop request";
    KILL_AFTER: "kill-after", Some('k'), Some("RINIT_KILL_AFTER"), Value("DURATION"),
        "Stopping", "Limit for all, from the first stop request";
    DAEMON: "daemon", Some('d'), Some("RINIT_DAEMON"), Flag,
        "Stopping", "Go on for the daemons that COMMAND leaves behind";
    EXPECT_EXIT: "expect-exit", Some('e'), Some("RINIT_EXPECT_EXIT"), Values("CODE"),
        "Exit status", "Exit 0 instead of CODE";
    ZERO_ON_STOP: "zero-on-stop", Some('z'), Some("RINIT_ZERO_ON_STOP"), Flag,
        "Exit status", "Exit 0 when COMMAND ends as it was asked to";
    WARN_ON_REAP: "warn-on-reap", Some('w'), Some("RINIT_WARN_ON_REAP"), Flag,
        "Messages", "Name each orphan reaped";
    VERBOSE: "verbose", Some('v'), Some("RINIT_VERBOSE"), Count,
        "Messages", "More: -v life cycle, -vv signals, -vvv reaping";
    QUIET: "quiet", Some('q'), Some("RINIT_QUIET"), Flag,
        "Messages", "Log only rinit's own errors";
    TERMINATION_LOG: "termination-log", None, Some("RINIT_TERMINATION_LOG"), Value("PATH"),
        "Messages", "Where Kubernetes looks for a reason";
    PAUSE: "pause", Some('P'), None, Flag,
        "Other", "No COMMAND: reap, and exit 0 on SIGTERM or SIGINT";
    LICENSE: "license", Some('l'), None, Flag,
        "Other", "Print the license";
    VERSION: "version", Some('V'), None, Flag,
        "Other", "Print the version";
    HELP: "help", Some('h'), None, Help,
        "Other", "Print help: -h in short, --help in full";
    GROUP: "group", Some('g'), None, Hidden,
        "", "tini, catatonit: --forward-to group";
    SUBREAPER: "subreaper", Some('s'), None, Hidden,
        "", "tini: what rinit does anyway";
}

/// Runs systemd and its like as any command, where it is off.
pub const MAKE_ROOM: &str = "RINIT_MAKE_ROOM";

/// Every variable of rinit's own.
pub fn variables() -> impl Iterator<Item = &'static str> {
    let options = OPTIONS.iter().filter_map(|option| option.variable);
    options.chain([MAKE_ROOM])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const README: &str = include_str!("../../README.md");
    const MANUAL: &str = include_str!("manual.roff");
    const PREFIX: &str = "RINIT_";

    #[test]
    fn readmes_table_names_each_option_as_it_is() {
        let listed = |option: &&Definition| option.kind != Hidden;
        for option in OPTIONS.iter().filter(listed) {
            let value = match option.kind {
                Value(name) | Values(name) => format!(" {name}"),
                _ => String::new(),
            };
            let name = format!("`--{}{value}`", option.name);
            let mut rows = README.lines().filter(|line| line.starts_with("| "));
            let row = rows.find(|row| row.contains(&name));
            let row = row.unwrap_or_else(|| panic!("README has no row of {name}"));
            let letter = option.letter.map(|letter| format!("`-{letter}`, "));
            let variable = option.variable.map(|variable| format!("| `{variable}"));
            for word in [letter, variable].into_iter().flatten() {
                assert!(row.contains(&word), "README's row of {name} lacks {word}");
            }
        }
    }

    #[test]
    fn readme_and_the_manual_name_each_variable_and_no_other() {
        let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
        for text in [README, MANUAL] {
            let words = text.split(|c| !is_part(c));
            let is_variable = |word: &&str| word.len() > PREFIX.len() && word.starts_with(PREFIX);
            let named: BTreeSet<&str> = words.filter(is_variable).collect();
            assert_eq!(named, variables().collect());
        }
    }
}
