//! What is printed on request.

pub const LICENSE: &str = include_str!("../../LICENSE");

/// Usage and options, which both helps have.
const OPTIONS: &str = include_str!("options_help.txt");

pub const ABOUT: &str = "The first process of a container: starts COMMAND, forwards signals, reaps
orphans, lets what COMMAND left behind finish, exits with COMMAND's status.";

pub const AFTER_BRIEF_HELP: &str =
    "rinit --help lists variables, values and exit statuses, and gives examples.";

pub const AFTER_HELP: &str = "\
Variables: RINIT_KILL_AFTER=8s is --kill-after 8s, RINIT_VERBOSE=2 is -vv.
RINIT_MAKE_ROOM=0 runs systemd and its like as any command.
SIGNAL: TERM, SIGTERM, 15, RTMIN+3.  DURATION: 8, 1.5, 500ms, 1m30s.
Exit status: COMMAND's; 128+n killed by signal n; 125 rinit failed;
126 COMMAND cannot be run; 127 COMMAND not found.

Examples:
  ENTRYPOINT [\"/sbin/rinit\", \"--\", \"app\"]
  rinit -r TERM:QUIT -- nginx -g 'daemon off;'";

pub fn full_help() -> String {
    [ABOUT, "\n\n", OPTIONS, "\n", AFTER_HELP, "\n"].concat()
}

pub fn brief_help() -> String {
    [OPTIONS, "\n", AFTER_BRIEF_HELP, "\n"].concat()
}

/// `docker info` runs `docker-init --version` and reads the part after ` - git.`.
pub fn version() -> String {
    concat!(
        "rinit ",
        env!("CARGO_PKG_VERSION"),
        " - git.",
        env!("RINIT_COMMIT"),
        "\n"
    )
    .to_owned()
}
