//! Which signal stops a container, and how long the engine waits for it.

use super::python::last_words;
use super::stage::stop;
use super::{Outcome, Story};
use crate::common::engine::Container;

pub const STOP_TIME: Story = Story {
    title: "`docker stop -t 1`, a clean-up of a minute",
    before: r#"CMD ["python3", "/app/program.py", "60"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/program.py", "60"]"#,
    alone: (137, "killed"),
    tini: (137, "killed"),
    dumb_init: (137, "killed"),
    rinit: (137, "killed"),
};

pub const DOCKER_KILL: Story = Story {
    title: "`docker kill -s`: HUP, SIGUSR1, 12, RTMIN+5",
    before: r#"CMD ["python3", "/app/signals.py"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/signals.py"]"#,
    alone: (0, "all arrive"),
    tini: (0, "all arrive"),
    dumb_init: (0, "all arrive"),
    rinit: (0, "all arrive"),
};

pub const RUN_STOP_SIGNAL: Story = Story {
    title: "`docker run --stop-signal RTMIN+3`",
    alone: (0, "told"),
    tini: (0, "told"),
    dumb_init: (0, "told"),
    rinit: (0, "told"),
    ..DOCKER_KILL
};

pub const STOPSIGNAL: Story = Story {
    title: "`STOPSIGNAL SIGQUIT` in the Dockerfile",
    before: r#"STOPSIGNAL SIGQUIT
CMD ["python3", "/app/signals.py"]"#,
    after: r#"STOPSIGNAL SIGQUIT
ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/signals.py"]"#,
    alone: (0, "told"),
    tini: (0, "told"),
    dumb_init: (0, "told"),
    rinit: (0, "told"),
};

#[test]
fn docker_stop_waits_as_long_as_it_is_told() {
    STOP_TIME.tell(&[], |container, _| last_words(container, 1, 1));
}

#[test]
fn docker_kill_sends_any_signal_by_name_and_by_number() {
    DOCKER_KILL.tell(&[], |container, patience| {
        container.says("ready");
        for (signal, number) in [("HUP", 1), ("SIGUSR1", 10), ("12", 12), ("RTMIN+5", 39)] {
            container.docker("kill", &["--signal", signal]);
            container.says(&format!("got {number}"));
        }
        stop(container, patience).with("all arrive")
    });
}

#[test]
fn the_stop_signal_of_docker_run_reaches_the_application() {
    RUN_STOP_SIGNAL.tell(&["--stop-signal", "RTMIN+3"], |container, patience| {
        told_only(container, patience, 37)
    });
}

#[test]
fn the_stop_signal_of_the_dockerfile_reaches_the_application() {
    STOPSIGNAL.tell(&[], |container, patience| told_only(container, patience, 3));
}

/// Stops the program that names its signals, which is to get this one and no other.
fn told_only(container: &Container, patience: u32, number: i32) -> Outcome {
    container.says("ready");
    let stopped = stop(container, patience);
    let told = container.stdout.text() == format!("ready\ngot {number}\n");
    stopped.with(if told { "told" } else { "never told" })
}
