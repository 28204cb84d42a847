//! rinit in an image made FROM scratch, started, signalled and stopped by a real engine.

use crate::common::engine::Image;
use crate::common::terminal::{CTRL_C, CTRL_Z};
use crate::common::{Directory, proc, signal, wait_until};

/// The engine kills what has not ended by then.
const SECONDS_TO_STOP: [&str; 2] = ["-t", "1"];

#[test]
fn the_image_holds_two_files_and_nothing_else() {
    let Some(image) = Image::scratch() else {
        return;
    };
    assert_eq!(image.files(), ["fixture", "sbin/rinit"]);
}

#[test]
fn docker_run_ends_with_the_status_of_the_command() {
    let Some(image) = Image::scratch() else {
        return;
    };
    for (words, status) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("die KILL", 137),
        ("die TERM", 143),
        ("die RTMIN+0", 162),
        ("die RTMIN+30", 192),
    ] {
        assert_eq!(image.run(&[], words).status, status, "{words}");
    }
}

#[test]
fn what_the_command_writes_is_all_there_is() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let ended = image.run(&[], "say hello exit 0");
    assert_eq!((&*ended.stdout, &*ended.stderr), ("hello\n", ""));
}

#[test]
fn docker_stop_ends_within_a_second_with_the_status_of_the_command() {
    let Some(image) = Image::scratch() else {
        return;
    };
    for (words, status) in [
        ("sleep app", 143),
        ("await app TERM exit 42", 42),
        ("await app TERM exit 0", 0),
    ] {
        let container = image.start(&[], words);
        container.says("ready app");
        container.docker("stop", &SECONDS_TO_STOP);
        assert_eq!(container.end().status, status, "{words}");
    }
}

#[test]
fn the_stop_signal_of_the_image_reaches_the_command() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let container = image.start(&["--stop-signal", "RTMIN+3"], "await app RTMIN+3 exit 42");
    container.says("ready app");
    container.docker("stop", &SECONDS_TO_STOP);
    assert_eq!(container.end().status, 42);
}

#[test]
fn every_signal_that_the_engine_sends_by_number_reaches_the_command() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let container = image.start(&[], "record app");
    container.says("ready app");
    // Docker knows neither 32 nor 33.
    for number in signal::all().filter(|number| ![32, 33].contains(number)) {
        container.docker("kill", &["--signal", &number.to_string()]);
        container.says(&format!("app got {} ", signal::name(number)));
    }
}

#[test]
fn a_signal_that_the_engine_sends_by_name_reaches_the_command() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let container = image.start(&[], "record app");
    container.says("ready app");
    for (name, number) in [
        ("TERM", 15),
        ("SIGHUP", 1),
        ("usr1", 10),
        ("CHLD", 17),
        ("RTMIN", 34),
        ("SIGRTMIN+3", 37),
        ("RTMAX-1", 63),
        ("RTMAX", 64),
    ] {
        container.docker("kill", &["--signal", name]);
        container.says(&format!("app got {} ", signal::name(number)));
    }
}

#[test]
fn the_terminal_of_an_interactive_container_is_the_command_s() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let (mut terminal, container) = image.start_on_terminal("read app INT WINCH");
    terminal.expect("ready app");
    terminal.press(CTRL_C);
    terminal.expect("app got INT");
    terminal.resize(40, 100);
    terminal.expect("app got 40 by 100");
    // Nobody could continue what stops here.
    terminal.press(CTRL_Z);
    terminal.enter("hello");
    terminal.expect("app read hello");
    container.docker("stop", &SECONDS_TO_STOP);
    assert_eq!(terminal.end(), 143);
}

#[test]
fn what_docker_exec_leaves_behind_is_reaped() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let container = image.start(&[], "sleep app");
    container.says("ready app");
    for _ in 0..3 {
        container.exec("/fixture orphan exit 0 , orphan die KILL , exit 0");
    }
    wait_until("the command is the only child", || {
        proc::children(container.pid()).len() == 1
    });
}

#[test]
fn no_privilege_is_needed() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let options =
        "--read-only --cap-drop ALL --security-opt no-new-privileges --user 1234 --network none";
    let options: Vec<&str> = options.split(' ').collect();
    let container = image.start(&options, "orphan exit 0 , await app TERM exit 42");
    container.says("ready app");
    wait_until("the command is the only child", || {
        proc::children(container.pid()).len() == 1
    });
    container.docker("stop", &SECONDS_TO_STOP);
    let ended = container.end();
    assert_eq!((ended.status, &*ended.stderr), (42, ""));
}

#[test]
fn among_the_processes_of_the_host_rinit_reaps_and_stops_as_well() {
    let Some(image) = Image::scratch() else {
        return;
    };
    let container = image.start(
        &["--pid", "host"],
        "orphan exit 0 , orphan sleep left , await app TERM exit 42",
    );
    container.says("ready left");
    container.says("ready app");
    assert_eq!(
        proc::inner_pid(container.pid()),
        Some(container.pid()),
        "not the first process of a namespace"
    );
    wait_until(
        "what is left of the command are itself and the sleeper",
        || proc::children(container.pid()).len() == 2,
    );
    container.docker("stop", &SECONDS_TO_STOP);
    let ended = container.end();
    assert_eq!((ended.status, &*ended.stderr), (42, ""));
}

#[test]
fn what_cannot_be_started_has_a_status_and_a_line_of_its_own() {
    let Some(image) = Image::scratch() else {
        return;
    };
    for (words, status) in [
        ("no-such-program", 127),
        ("/no/such/program", 127),
        ("/etc/hosts", 126),
        ("/sbin", 126),
        ("--no-such-option", 125),
        ("", 125),
    ] {
        let ended = image.run(&["--entrypoint", "/sbin/rinit"], words);
        assert_eq!(ended.status, status, "{words}");
        // Docker has the same three statuses for failures of its own.
        assert!(
            ended.stderr.starts_with("rinit: "),
            "{words}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn the_cmd_that_a_new_entrypoint_drops_is_asked_for() {
    let Some(base) = Image::scratch() else {
        return;
    };
    let context = Directory::new("dropped-cmd");
    let build = |base: &Image, end: &str| {
        let dockerfile = format!("FROM {}\n{end}\n", base.name());
        context.executable("Dockerfile", dockerfile);
        Image::build(&["--no-cache"], context.path())
    };
    let entrypoint = r#"ENTRYPOINT ["/sbin/rinit", "--"]"#;
    let cmd = r#"CMD ["/fixture", "exit", "7"]"#;
    let with_cmd = build(&base, cmd);
    let ended = build(&with_cmd, entrypoint).run(&[], "");
    assert_eq!(ended.status, 125);
    assert!(ended.stderr.contains("CMD"), "{}", ended.stderr);
    let ended = build(&with_cmd, &format!("{entrypoint}\n{cmd}")).run(&[], "");
    assert_eq!(ended.status, 7);
}
