//! With `--zero-on-stop` an end by the very signal that asked for it is a success.

use crate::common::{Rinit, Role, as_pid1_and_subreaper, signal};

#[test]
fn an_end_by_the_forwarded_stop_signal_gives_0() {
    for (options, command, sent) in [
        ("-z", "sleep command", libc::SIGTERM),
        ("-z", "sleep command", libc::SIGINT),
        ("-z", "sleep command", libc::SIGPWR),
        ("-z", "sleep command", 37),
        ("-z", "linger command TERM 0 exit 143", libc::SIGTERM),
        ("-z", "linger command QUIT 0 die QUIT", libc::SIGQUIT),
        ("-z -r TERM:INT", "sleep command", libc::SIGTERM),
        (
            "-z -r TERM:USR1",
            "linger command USR1 0 exit 138",
            libc::SIGTERM,
        ),
        ("--zero-on-stop -c", "sleep command", libc::SIGTERM),
    ] {
        as_pid1_and_subreaper(|role| expect(role, options, command, sent, 0));
    }
}

#[test]
fn any_other_end_keeps_its_status() {
    for (options, command, sent, status) in [
        ("", "sleep command", libc::SIGTERM, 143),
        ("-z", "linger command TERM 0 exit 7", libc::SIGTERM, 7),
        ("-z", "linger command TERM 0 exit 15", libc::SIGTERM, 15),
        ("-z", "linger command TERM 0 die ABRT", libc::SIGTERM, 134),
        ("-z", "linger command TERM 0 exit 130", libc::SIGTERM, 130),
        ("-z -k 0.2", "record command", libc::SIGTERM, 137),
        // What arrived is not what the command was sent.
        (
            "-z -r TERM:INT",
            "linger command INT 0 exit 143",
            libc::SIGTERM,
            143,
        ),
        // Not every deadly signal asks to stop.
        ("-z", "sleep command", libc::SIGHUP, 129),
        ("-z -r HUP:TERM", "sleep command", libc::SIGHUP, 143),
    ] {
        as_pid1_and_subreaper(|role| expect(role, options, command, sent, status));
    }
}

#[test]
fn an_end_that_nobody_asked_for_keeps_its_status() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-z")
            .fixture("sleep command")
            .start();
        let command = rinit.ready("command");
        signal::send(command, libc::SIGTERM).expect("it can be ended");
        assert_eq!(rinit.end().status, 143);
        let ended = Rinit::new(role).words("-z").fixture("exit 143").run();
        assert_eq!(ended.status, 143);
        // A request that was dropped on the way did not ask the command.
        let rinit = Rinit::new(role)
            .words("-z -r TERM:0")
            .fixture("linger command USR1 0 exit 143")
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        rinit.send(libc::SIGUSR1);
        assert_eq!(rinit.end().status, 143);
    });
}

#[test]
fn what_is_left_behind_does_not_change_it() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-z")
            .fixture("fork linger left TERM 0 exit 9 , sleep command")
            .start();
        rinit.ready("left");
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        assert_eq!(rinit.end().status, 0);
    });
}

#[test]
fn a_request_that_comes_after_the_end_has_not_asked_for_it() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-z")
            .fixture("fork linger left USR1 0 exit 0 , sleep command")
            .start();
        rinit.ready("left");
        let command = rinit.ready("command");
        signal::send(command, libc::SIGTERM).expect("a living command");
        rinit.says("left got TERM ");
        rinit.send(libc::SIGTERM);
        rinit.wait_until_taken();
        rinit.send(libc::SIGUSR1);
        assert_eq!(rinit.end().status, 143);
    });
}

fn expect(role: Role, options: &str, command: &str, sent: i32, status: i32) {
    let rinit = Rinit::new(role).words(options).fixture(command).start();
    rinit.ready("command");
    rinit.send(sent);
    let ended = rinit.end();
    assert_eq!(
        ended.status, status,
        "{options} {command} {sent}: {ended:?}"
    );
}
