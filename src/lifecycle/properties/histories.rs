//! Histories that once broke a promise.

use std::time::Duration;

use super::run::Run;
use super::world::{Birth, Proc, Setting, Step};
use crate::ending::Ending;
use crate::options::{ForwardTo, Options, Rewrite};
use crate::signal::{Signal, Signals};

const FILTER: Step = Step::Fork(Birth {
    reads_from: Some(0),
    ..MEMBER
});
const MEMBER: Birth = Birth {
    parent: 0,
    leaves_group: false,
    reads_from: None,
    unreadable: false,
    caught: Signals(0),
    ignored: Signals(0),
};
const COMMAND_ENDS: Step = command_exits(130);

const fn command_exits(code: u8) -> Step {
    Step::CommandEnds {
        ending: Ending::Exited(code),
        on_terminal: false,
    }
}

fn signal(signal: Signal) -> Step {
    Step::Signal {
        signal,
        for_command_alone: false,
    }
}

fn command_is_killed(by: Signal, on_terminal: bool) -> Step {
    Step::CommandEnds {
        ending: Ending::Killed {
            by,
            core_dumped: false,
        },
        on_terminal,
    }
}

fn daemon() -> Options {
    Options {
        daemon: true,
        ..Options::default()
    }
}

fn keeps_the_promises(options: Options, steps: &[Step]) {
    let setting = Setting {
        options,
        is_pid_1: true,
        proc: Proc::There,
    };
    let mut run = Run::new(&setting);
    for step in steps {
        run.take(step);
    }
    run.finish();
}

#[test]
fn a_filter_spared_once_and_then_asked_with_its_group_is_not_asked_again() {
    let int = signal(Signal::INT);
    let term = signal(Signal::TERM);
    let steps = [
        FILTER,
        Step::Pass(100),
        int,
        Step::ProcIs(Proc::Failing),
        term,
        Step::ProcIs(Proc::There),
        COMMAND_ENDS,
        Step::Pass(8_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn an_int_while_draining_does_not_hide_that_the_group_has_had_a_term() {
    let steps = [
        Step::Fork(MEMBER),
        Step::Pass(100),
        signal(Signal::TERM),
        COMMAND_ENDS,
        signal(Signal::INT),
        signal(Signal::TERM),
        Step::Pass(8_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn a_filter_that_got_a_quit_still_gets_its_term_last() {
    let other_filter = Step::Fork(Birth {
        reads_from: Some(1),
        ..MEMBER
    });
    let steps = [
        Step::Fork(MEMBER),
        other_filter,
        COMMAND_ENDS,
        signal(Signal::QUIT),
        signal(Signal::TERM),
        Step::Pass(4_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn whoever_a_stop_for_command_alone_leaves_behind_is_asked_at_once() {
    let options = Options {
        forward_to: ForwardTo::Auto,
        ..Options::default()
    };
    let steps = [
        Step::Fork(MEMBER),
        Step::Pass(100),
        Step::Signal {
            signal: Signal::TERM,
            for_command_alone: true,
        },
        command_is_killed(Signal::TERM, false),
        Step::Pass(1),
    ];
    keeps_the_promises(options, &steps);
}

#[test]
fn nobody_is_asked_blindly_once_a_stop_request_has_shown_somebody() {
    let steps = [
        Step::Fork(MEMBER),
        signal(Signal::QUIT),
        Step::ProcIs(Proc::Absent),
        COMMAND_ENDS,
        signal(Signal::TERM),
        Step::Pass(8_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn a_request_after_the_end_does_not_make_an_old_one_count() {
    let mut options = Options {
        zero_on_stop: true,
        ..Options::default()
    };
    options.rewrites.add(Rewrite {
        from: Signal::QUIT,
        to: Some(Signal::INT),
    });
    let steps = [
        Step::Fork(MEMBER),
        signal(Signal::QUIT),
        Step::Pass(700_000),
        COMMAND_ENDS,
        signal(Signal::INT),
    ];
    keeps_the_promises(options, &steps);
}

#[test]
fn an_old_request_does_not_count_for_a_command_that_ends_while_it_is_killed() {
    let options = Options {
        zero_on_stop: true,
        kill_after: Some(Duration::from_secs(1)),
        ..Options::default()
    };
    let steps = [
        signal(Signal::QUIT),
        Step::Pass(700_000),
        signal(Signal::TERM),
        Step::Pass(2_000),
        command_exits(131),
    ];
    keeps_the_promises(options, &steps);
}

#[test]
fn a_daemon_that_fails_while_it_is_killed_makes_the_status() {
    let options = Options {
        daemon: true,
        kill_after: Some(Duration::from_secs(1)),
        ..Options::default()
    };
    let steps = [
        Step::Fork(MEMBER),
        signal(Signal::TERM),
        Step::Pass(2_000),
        command_exits(0),
        Step::Die(0, Ending::Exited(9)),
    ];
    keeps_the_promises(options, &steps);
}

#[test]
fn a_member_with_the_pid_of_one_that_was_asked_is_asked() {
    let steps = [
        Step::Fork(MEMBER),
        FILTER,
        signal(Signal::TERM),
        Step::Die(1, Ending::Exited(0)),
        Step::Pass(20),
        Step::Fork(MEMBER),
        Step::AskFilters,
        COMMAND_ENDS,
        Step::Pass(8_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn whoever_entered_and_has_the_pid_of_a_daemon_does_not_make_the_status() {
    let from_outside = Step::Fork(Birth {
        parent: 1,
        leaves_group: true,
        ..MEMBER
    });
    let steps = [
        Step::Fork(MEMBER),
        Step::Fork(MEMBER),
        command_exits(0),
        Step::Enter,
        Step::Die(0, Ending::Exited(0)),
        Step::Pass(20),
        from_outside,
        Step::Die(1, Ending::Exited(0)),
        Step::Die(1, Ending::Exited(9)),
    ];
    keeps_the_promises(daemon(), &steps);
}

#[test]
fn a_child_that_failed_before_command_ended_was_no_daemon() {
    let steps = [
        Step::Fork(MEMBER),
        Step::Fork(MEMBER),
        Step::Die(1, Ending::Exited(9)),
        command_exits(0),
    ];
    keeps_the_promises(daemon(), &steps);
}

#[test]
fn nor_was_it_where_command_ended_while_it_was_killed() {
    let options = Options {
        kill_after: Some(Duration::from_secs(1)),
        ..daemon()
    };
    let steps = [
        Step::Fork(MEMBER),
        Step::Fork(MEMBER),
        Step::Die(1, Ending::Exited(9)),
        signal(Signal::TERM),
        Step::Pass(2_000),
        command_exits(0),
    ];
    keeps_the_promises(options, &steps);
}

#[test]
fn a_term_reaches_whoever_has_had_only_an_int() {
    let steps = [
        Step::Fork(MEMBER),
        Step::Pass(100),
        signal(Signal::INT),
        COMMAND_ENDS,
        Step::Pass(1_000),
        signal(Signal::TERM),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn a_key_is_a_guess_that_holds_for_five_seconds_and_stops_no_clock() {
    let steps = [
        Step::Fork(MEMBER),
        command_is_killed(Signal::INT, true),
        Step::Pass(4_900),
        Step::Pass(3_000),
        Step::Pass(3_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn whoever_catches_the_signal_that_killed_command_is_asked_after_five_seconds() {
    let catches = Step::Fork(Birth {
        caught: Signals::of(&[Signal::HUP]),
        ..MEMBER
    });
    let steps = [
        catches,
        signal(Signal::HUP),
        command_is_killed(Signal::HUP, false),
        Step::Pass(4_900),
        Step::Pass(3_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn whoever_catches_what_command_was_asked_with_is_asked_with_that() {
    let mut options = Options::default();
    options.rewrites.add(Rewrite {
        from: Signal::TERM,
        to: Some(Signal::QUIT),
    });
    let catches = Step::Fork(Birth {
        leaves_group: true,
        caught: Signals::of(&[Signal::QUIT]),
        ..MEMBER
    });
    let steps = [
        catches,
        signal(Signal::TERM),
        COMMAND_ENDS,
        Step::Pass(1_000),
    ];
    keeps_the_promises(options, &steps);
}

#[test]
fn a_scan_that_failed_makes_nobody_ask_blindly() {
    let steps = [
        Step::Fork(MEMBER),
        Step::ProcIs(Proc::Failing),
        COMMAND_ENDS,
        Step::Pass(2_000),
        Step::ProcIs(Proc::There),
        Step::Pass(2_000),
    ];
    keeps_the_promises(Options::default(), &steps);
}

#[test]
fn an_orphan_from_outside_does_not_make_the_status_of_daemons() {
    let steps = [
        Step::Fork(MEMBER),
        command_exits(0),
        Step::Pass(20),
        Step::Enter,
        Step::Fork(Birth {
            parent: 1,
            ..MEMBER
        }),
        Step::Die(1, Ending::Exited(0)),
        Step::Die(1, Ending::Exited(3)),
    ];
    keeps_the_promises(daemon(), &steps);
}

#[test]
fn a_quit_stops_no_daemon() {
    let steps = [
        Step::Fork(MEMBER),
        command_exits(0),
        signal(Signal::QUIT),
        Step::Pass(8_000),
    ];
    keeps_the_promises(daemon(), &steps);
}
