//! Python programs, as the entrypoint and behind scripts, and what they do last.

use super::stage::stop;
use super::{Outcome, Story};
use crate::common::engine::Container;

pub const PYTHON: Story = Story {
    title: "Python: the entrypoint itself",
    before: r#"CMD ["python3", "/app/program.py"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["python3", "/app/program.py"]"#,
    alone: (0, "cleaned up"),
    tini: (0, "cleaned up"),
    dumb_init: (0, "cleaned up"),
    rinit: (0, "cleaned up"),
};

pub const PYTHON_ENTRY: Story = Story {
    title: "Python: behind `entry.sh`",
    before: r#"CMD ["/app/entry.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/entry.sh"]"#,
    alone: (137, "killed"),
    tini: (143, "killed"),
    dumb_init: (143, "killed"),
    rinit: (143, "cleaned up"),
};

pub const PYTHON_EXEC: Story = Story {
    title: "Python: behind `exec`",
    before: r#"CMD ["/app/entry-exec.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/entry-exec.sh"]"#,
    alone: (0, "cleaned up"),
    tini: (0, "cleaned up"),
    dumb_init: (0, "cleaned up"),
    rinit: (0, "cleaned up"),
};

pub const PYTHON_TRAP: Story = Story {
    title: "Python: behind a script that passes the signal on",
    before: r#"CMD ["/app/entry-trap.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "-c", "--"]
CMD ["/app/entry-trap.sh"]"#,
    alone: (0, "cleaned up"),
    tini: (0, "cleaned up"),
    dumb_init: (0, "killed"),
    rinit: (0, "cleaned up"),
};

pub const PYTHON_TWO: Story = Story {
    title: "Python: two behind `entry-two.sh`",
    before: r#"CMD ["/app/entry-two.sh"]"#,
    after: r#"ENTRYPOINT ["/sbin/rinit", "--"]
CMD ["/app/entry-two.sh"]"#,
    alone: (137, "killed"),
    tini: (143, "killed"),
    dumb_init: (143, "killed"),
    rinit: (143, "cleaned up"),
};

#[test]
fn the_last_words_of_a_python_program_that_is_the_entrypoint_are_there() {
    PYTHON.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_a_python_program_behind_a_shell_are_there() {
    PYTHON_ENTRY.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_a_python_program_behind_exec_are_there() {
    PYTHON_EXEC.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_a_python_program_behind_a_script_that_passes_signals_on_are_there() {
    PYTHON_TRAP.tell(&[], |container, patience| {
        last_words(container, 1, patience)
    });
}

#[test]
fn the_last_words_of_two_python_programs_behind_a_shell_are_there() {
    PYTHON_TWO.tell(&[], |container, patience| {
        last_words(container, 2, patience)
    });
}

/// Stops that many of the Python programs.
pub fn last_words(container: &Container, programs: usize, patience: u32) -> Outcome {
    let said = |text: &str, words| text.matches(words).count() == programs;
    container.stdout.wait_for("all are set up", |text| {
        said(text, "!!!Set up!!!").then_some(())
    });
    let stopped = stop(container, patience);
    let finished = said(&container.stdout.text(), "!!!Clean up!!!");
    stopped.with(if finished { "cleaned up" } else { "killed" })
}
