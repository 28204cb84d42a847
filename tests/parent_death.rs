//! With `-p` rinit hears of its parent's death.

mod common;

use common::tracer::Tracer;
use common::{Place, Rinit, Running, at, binary, everywhere, fixture, proc, signal, wait_until};

#[test]
fn the_parents_death_arrives_as_the_signal_asked_for() {
    everywhere(|place| {
        for (option, number) in [
            ("-p TERM", 15),
            ("-pRTMIN+1", 35),
            ("--parent-death-signal=usr1", 10),
        ] {
            let rinit = match place {
                Place::Pid1 => Rinit::new(place)
                    .words(option)
                    .fixture("record command")
                    .start(),
                Place::Subreaper => beneath_a_parent(place, "", option),
            };
            let command = rinit.ready("command");
            kill(proc::parent(proc::parent(command)));
            rinit.says(&format!("command got {number} "));
        }
    });
}

#[test]
fn a_parent_that_dies_while_rinit_asks_for_the_signal_is_not_missed() {
    at(&[Place::Subreaper], |place| {
        let mut rinit = beneath_a_parent(place, "until-input", "-p TERM");
        let parent = rinit.ready("parent");
        let [pid] = proc::children(parent)[..] else {
            panic!("a parent with one child")
        };
        // It knows its parent by then, and the kernel does not know of its wish.
        let tracer = Tracer::seize(pid);
        rinit.tell("go on");
        tracer.go_on_until_call(|call| {
            call.number == libc::SYS_prctl && call.arguments[0] == libc::PR_SET_PDEATHSIG as u64
        });
        kill(parent);
        wait_until("rinit has another parent", || proc::parent(pid) != parent);
        drop(tracer);
        rinit.says("command got 15 ");
    });
}

/// rinit whose parent is not the first process of the namespace, nor the one that the namespace ends with.
fn beneath_a_parent(place: Place, prefix: &str, option: &str) -> Running {
    let (rinit, fixture) = (binary(), fixture());
    let (rinit, command) = (rinit.display(), fixture.display());
    Rinit::program(place, &fixture)
        // The signal may come before the command is ready for it.
        .before_exec(|| signal::block(signal::set([libc::SIGTERM])))
        .words(&format!(
            "fork fork {prefix} exec {rinit} {option} -- {command} record command , sleep parent , sleep other"
        ))
        .start()
}

fn kill(pid: i32) {
    signal::send(pid, libc::SIGKILL).expect("it lives");
}
