//! Each option can be set where there is no command line: by the environment of a container whose engine passes its
//! init nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use crate::common::engine::{Container, Image};
use crate::common::isolated_host::{alone, enter};
use crate::common::podman::Podman;
use crate::common::{Directory, Ended, fixture, proc, readme, signal, wait_until};

type Check = fn(&Init);

const OPTIONS: [(&str, Check); 15] = [
    ("RINIT_DAEMON", daemon),
    ("RINIT_EXPECT_EXIT", expect_exit),
    ("RINIT_FORWARD_TO", forward_to),
    ("RINIT_GRACE", grace),
    ("RINIT_KILL_AFTER", kill_after),
    ("RINIT_MAKE_ROOM", make_room),
    ("RINIT_PARENT_DEATH_SIGNAL", parent_death_signal),
    ("RINIT_QUIET", quiet),
    ("RINIT_REWRITE", rewrite),
    ("RINIT_SINGLE_CHILD", single_child),
    ("RINIT_STOP_SIGNAL", stop_signal),
    ("RINIT_TERMINATION_LOG", termination_log),
    ("RINIT_VERBOSE", verbose),
    ("RINIT_WARN_ON_REAP", warn_on_reap),
    ("RINIT_ZERO_ON_STOP", zero_on_stop),
];

#[test]
fn every_option_of_readme_has_a_variable_that_works_under_an_engine_s_init() {
    let (_, options) = readme::TEXT.split_once("### Options").expect("a chapter");
    let (options, _) = options.split_once("### ").expect("the next chapter");
    let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
    let words = options.split(|c| !is_part(c));
    let variables: BTreeSet<&str> = words.filter(|word| word.starts_with("RINIT_")).collect();
    assert_eq!(variables, OPTIONS.map(|(variable, _)| variable).into());

    alone(|| {
        enter("install -D target/release/rinit /usr/local/bin/rinit");
        let Some(_podman) = Podman::of_root() else {
            return;
        };
        let image = Image::of_two_files(&[], "");
        for (variable, check) in OPTIONS {
            // Shown when the test fails.
            eprintln!("{variable}:");
            let image = &image;
            check(&Init { variable, image });
        }
    });
}

/// A container's init, set up by one variable.
struct Init<'a> {
    variable: &'a str,
    image: &'a Arc<Image>,
}

impl Init<'_> {
    /// Starts this, and waits until all these names are ready.
    fn start(&self, value: &str, options: &[&str], names: &[&str], words: &str) -> Container {
        let variable = format!("--env={}={value}", self.variable);
        let init = ["--init", "--init-path=/usr/local/bin/rinit", &variable];
        let container = self.image.start(&[&init, options].concat(), words);
        for name in names {
            container.says(&format!("ready {name} "));
        }
        container
    }

    /// The same with the fixture; sends it these signals, and waits for its end.
    fn run(&self, value: &str, names: &[&str], words: &str, signals: &[&str]) -> Ended {
        let container = self.start(value, &[], names, &format!("/fixture {words}"));
        for signal in signals {
            container.docker("kill", &["--signal", signal]);
        }
        container.end()
    }
}

fn daemon(init: &Init) {
    let words = "fork session await daemon TERM exit 5 , exit 0";
    assert_eq!(init.run("1", &["daemon"], words, &["TERM"]).status, 5);
}

fn expect_exit(init: &Init) {
    assert_eq!(init.run("3,7", &[], "exit 7", &[]).status, 0);
}

fn grace(init: &Init) {
    let words = "fork ignore TERM sleep left , sleep app";
    let ended = init.run("100ms", &["left", "app"], words, &["TERM"]);
    assert_eq!(ended.status, 143);
    assert!(ended.stderr.contains("time is up"), "{}", ended.stderr);
}

fn kill_after(init: &Init) {
    let ended = init.run("100ms", &["app"], "ignore TERM sleep app", &["TERM"]);
    assert_eq!(ended.status, 137);
    assert!(ended.stderr.contains("time is up"), "{}", ended.stderr);
}

/// By default what it starts here would have the pid 1.
fn make_room(init: &Init) {
    let outside = Directory::new("outside");
    let mut runit = fs::read(fixture()).expect("the fixture");
    runit.extend(b"init: fatal: ");
    outside.executable("runit-init", runit);
    let volume = format!("--volume={}:/outside", outside.path().display());
    let container = init.start("0", &[&volume], &[], "/outside/runit-init sleep app");
    assert_ne!(container.says("ready app "), "ready app 1");
}

/// Told by a file: the parent is who takes the output.
fn parent_death_signal(init: &Init) {
    let outside = Directory::new("outside");
    let volume = format!("--volume={}:/outside", outside.path().display());
    let words = "/fixture await app USR1 into /outside/file say told exit 0";
    let container = init.start("USR1", &[&volume], &["app"], words);
    let parent = proc::parent(container.pid());
    signal::send(parent, libc::SIGKILL).expect("a parent");
    let file = outside.path().join("file");
    wait_until("the command is told", || {
        fs::read_to_string(&file).is_ok_and(|text| text == "told\n")
    });
}

fn quiet(init: &Init) {
    let ended = init.run("1", &[], "die KILL", &[]);
    assert_eq!((ended.status, &*ended.stderr), (137, ""));
}

fn rewrite(init: &Init) {
    let words = "linger app USR1 0 exit 7";
    let ended = init.run("HUP:0,TERM:USR1", &["app"], words, &["HUP", "TERM"]);
    assert_eq!(ended.status, 7);
    assert_eq!(ended.stdout.matches("app got").count(), 1);
}

fn forward_to(init: &Init) {
    signals_command_alone(init, "command");
}

fn single_child(init: &Init) {
    signals_command_alone(init, "1");
}

fn signals_command_alone(init: &Init, value: &str) {
    let words = "fork linger left TERM 0 exit 0 , await app USR1 exit 7";
    let ended = init.run(value, &["left", "app"], words, &["USR1"]);
    assert_eq!(ended.status, 7);
    assert!(!ended.stdout.contains("left got USR1"), "{}", ended.stdout);
}

fn stop_signal(init: &Init) {
    // Nothing is said of an end that was asked for.
    let ended = init.run("USR1", &["app"], "sleep app", &["USR1"]);
    assert_eq!((ended.status, &*ended.stderr), (138, ""));
}

fn termination_log(init: &Init) {
    let ended = init.run("not/absolute", &[], "exit 0", &[]);
    assert_eq!(ended.status, 125);
    assert!(ended.stderr.contains(init.variable), "{}", ended.stderr);
}

fn verbose(init: &Init) {
    let ended = init.run("2", &["app"], "await app USR1 exit 0", &["USR1"]);
    for part in ["rinit: started", "SIGUSR1"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

fn warn_on_reap(init: &Init) {
    let ended = init.run("1", &[], "orphan exit 3 , exit 0", &[]);
    assert!(ended.stderr.contains("rinit: reaped"), "{}", ended.stderr);
}

fn zero_on_stop(init: &Init) {
    assert_eq!(init.run("1", &["app"], "sleep app", &["TERM"]).status, 0);
}
