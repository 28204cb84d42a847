//! Histories that once broke a promise.

use super::run::Run;
use super::world::{Birth, Proc, Setting, Step};
use crate::ending::Ending;
use crate::options::{ForwardTo, Options, Rewrite};
use crate::signal::Signal;

const FILTER: Step = Step::Fork(Birth {
    reads_from: Some(0),
    ..MEMBER
});
const MEMBER: Birth = Birth {
    parent: 0,
    leaves_group: false,
    reads_from: None,
    unreadable: false,
    caught: crate::signal::Signals(0),
    ignored: crate::signal::Signals(0),
};
const COMMAND_ENDS: Step = Step::CommandEnds {
    ending: Ending::Exited(130),
    on_terminal: false,
};

fn signal(signal: Signal) -> Step {
    Step::Signal {
        signal,
        for_command_alone: false,
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
        Step::CommandEnds {
            ending: Ending::Killed {
                by: Signal::TERM,
                core_dumped: false,
            },
            on_terminal: false,
        },
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
