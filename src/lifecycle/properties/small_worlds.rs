//! Every history of small worlds: COMMAND and two other processes, two signals of three kinds, and
//! each of them before each deadline and after it.

use std::time::Duration;

use super::choices::SmallWorld;
use super::world::{Proc, Setting};
use crate::options::{ForwardTo, Options, Rewrite};
use crate::signal::Signal;

fn world(options: Options) -> SmallWorld {
    SmallWorld {
        setting: Setting {
            options,
            is_pid_1: true,
            proc: Proc::There,
        },
        signals: [Signal::TERM, Signal::INT, Signal::HUP],
        scans_fail: false,
    }
}

fn without_proc(is_pid_1: bool) -> SmallWorld {
    let mut world = world(Options::default());
    world.setting.proc = Proc::Absent;
    world.setting.is_pid_1 = is_pid_1;
    world
}

fn with_rewrite(from: Signal, to: Option<Signal>) -> SmallWorld {
    let mut options = Options::default();
    options.rewrites.add(Rewrite { from, to });
    world(options)
}

#[test]
fn of_a_group() {
    world(Options::default()).keeps_the_promises();
}

#[test]
fn of_a_group_that_gets_a_quit() {
    let world = SmallWorld {
        signals: [Signal::TERM, Signal::QUIT, Signal::INT],
        ..world(Options::default())
    };
    world.keeps_the_promises();
}

#[test]
fn of_a_single_child() {
    let options = Options {
        forward_to: ForwardTo::Command,
        zero_on_stop: true,
        ..Options::default()
    };
    world(options).keeps_the_promises();
}

#[test]
fn of_a_command_that_leads_its_children_or_not() {
    let options = Options {
        forward_to: ForwardTo::Auto,
        ..Options::default()
    };
    world(options).keeps_the_promises();
}

#[test]
fn of_daemons() {
    let options = Options {
        daemon: true,
        zero_on_stop: true,
        ..Options::default()
    };
    let world = SmallWorld {
        signals: [Signal::TERM, Signal::QUIT, Signal::HUP],
        ..world(options)
    };
    world.keeps_the_promises();
}

#[test]
fn of_daemons_with_deadlines() {
    let options = Options {
        daemon: true,
        grace: Some(Duration::from_secs(1)),
        kill_after: Some(Duration::from_secs(2)),
        ..Options::default()
    };
    world(options).keeps_the_promises();
}

#[test]
fn with_deadlines() {
    let options = Options {
        grace: Some(Duration::from_secs(1)),
        kill_after: Some(Duration::from_secs(2)),
        ..Options::default()
    };
    world(options).keeps_the_promises();
}

#[test]
fn where_a_hup_asks_for_a_stop() {
    let mut options = Options::default();
    options.stop_signals.add(Signal::HUP);
    world(options).keeps_the_promises();
}

#[test]
fn where_term_becomes_int() {
    with_rewrite(Signal::TERM, Some(Signal::INT)).keeps_the_promises();
}

#[test]
fn where_int_becomes_term() {
    with_rewrite(Signal::INT, Some(Signal::TERM)).keeps_the_promises();
}

#[test]
fn where_term_is_dropped() {
    with_rewrite(Signal::TERM, None).keeps_the_promises();
}

#[test]
fn where_scans_fail_at_times() {
    let world = SmallWorld {
        scans_fail: true,
        ..world(Options::default())
    };
    world.keeps_the_promises();
}

#[test]
fn without_proc_as_process_1() {
    without_proc(true).keeps_the_promises();
}

#[test]
fn without_proc_beside_process_1() {
    without_proc(false).keeps_the_promises();
}
