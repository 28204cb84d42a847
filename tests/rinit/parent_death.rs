//! With `-p` rinit hears of its parent's death.

use crate::common::tracer::Tracer;
use crate::common::{
    Rinit, Role, Running, as_pid1_and_subreaper, as_subreaper, binary, fixture, proc, signal,
    wait_until,
};

#[test]
fn the_parents_death_arrives_as_the_signal_asked_for() {
    as_pid1_and_subreaper(|role| {
        for (option, number) in [
            ("-p TERM", 15),
            ("-pRTMIN+1", 35),
            ("--parent-death-signal=usr1", 10),
        ] {
            let rinit = match role {
                Role::Pid1 => Rinit::new(role)
                    .words(option)
                    .fixture("record command")
                    .start(),
                Role::Subreaper => beneath_a_parent(role, "", option),
            };
            let command = rinit.ready("command");
            kill(proc::parent(proc::parent(command)));
            rinit.says(&format!("command got {} ", signal::name(number)));
        }
    });
}

#[test]
fn a_parent_that_dies_while_rinit_asks_for_the_signal_is_not_missed() {
    as_subreaper(|role| {
        let mut rinit = beneath_a_parent(role, "until-input", "-p TERM");
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
        rinit.says("command got TERM ");
    });
}

/// rinit whose parent is not the first process of the namespace, nor the one that the namespace ends with.
fn beneath_a_parent(role: Role, prefix: &str, option: &str) -> Running {
    let (rinit, fixture) = (binary(), fixture());
    let (rinit, command) = (rinit.display(), fixture.display());
    Rinit::program(role, &fixture)
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
