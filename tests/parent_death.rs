//! With `-p` rinit hears of its parent's death.

mod common;

use common::{Place, Rinit, binary, everywhere, fixture, proc, signal};

#[test]
fn the_parents_death_arrives_as_the_signal_asked_for() {
    everywhere(|place| {
        for (options, number) in [
            ("-p TERM", 15),
            ("-pRTMIN+1", 35),
            ("--parent-death-signal=usr1", 10),
        ] {
            let command = format!("{options} -- {} record command", fixture().display());
            let rinit = match place {
                Place::Pid1 => Rinit::new(place).words(&command),
                // The namespace would end with the process that it started with, so that one is not the parent.
                Place::Subreaper => Rinit::program(place, &fixture()).words(&format!(
                    "fork fork exec {} {command} , sleep parent , sleep other",
                    binary().display()
                )),
            }
            .start();
            let command = rinit.ready("command");
            signal::send(proc::parent(proc::parent(command)), libc::SIGKILL)
                .expect("the parent lives");
            rinit.says(&format!("command got {number} "));
        }
    });
}
