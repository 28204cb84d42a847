//! The recipes are built, and stop in order: on the image of these tests, in the place of the registry's that they name.

use std::path::Path;
use std::thread;

use crate::common::engine::{self, Container, Image};
use crate::common::{Directory, readme};

const RECIPES: &str = include_str!("recipes.dockerfile");

/// A recipe by its stage.
struct Recipe {
    stage: &'static str,
    /// What the image that it names has, and that of the tests has not.
    base: &'static str,
    /// A command that fails until the program is at work.
    works: &'static str,
    status: i32,
    /// Whether the stopped container shows that it ended in order, beside its status.
    is_in_order: fn(&Container) -> bool,
}

const ALL: [Recipe; 6] = [
    Recipe {
        stage: "npm",
        base: "",
        works: "nc -z 127.0.0.1 8000",
        status: 143,
        is_in_order: |_| true,
    },
    Recipe {
        stage: "java",
        base: "",
        works: "grep begun /out/answer",
        status: 143,
        is_in_order: |container| container.archive("/out").contains("complete"),
    },
    Recipe {
        stage: "python",
        base: "",
        works: "pgrep python3",
        status: 143,
        is_in_order: |container| container.stdout.text().contains("!!!Clean up!!!"),
    },
    Recipe {
        stage: "nginx",
        base: r#"STOPSIGNAL SIGQUIT
RUN printf '#!/bin/sh\nexec "$@"\n' >/docker-entrypoint.sh && chmod +x /docker-entrypoint.sh"#,
        works: "nc -z 127.0.0.1 80",
        status: 0,
        is_in_order: |_| true,
    },
    Recipe {
        stage: "postgresql",
        base: r#"STOPSIGNAL SIGINT
RUN printf '#!/bin/sh\nexec setpriv --reuid=postgres --regid=postgres --init-groups /usr/lib/postgresql/15/bin/"$@" \
        -c config_file=/etc/postgresql/15/main/postgresql.conf\n' >/bin/docker-entrypoint.sh && chmod +x /bin/docker-entrypoint.sh"#,
        works: "nc -z 127.0.0.1 5432",
        status: 0,
        is_in_order: |_| true,
    },
    Recipe {
        stage: "cron",
        base: "",
        works: "test -e /run/crond.reboot",
        status: 143,
        // A job has logged past cron, to process 1's standard error.
        is_in_order: |container| container.stderr.text().contains(" UTC "),
    },
];

#[test]
fn recipes_stop_in_order() {
    if engine::debian().is_none() {
        return;
    }
    let base = super::image();
    let rinit = Image::of_two_files(&[], "");
    let stages: Vec<&str> = RECIPES.trim_end().split("\n\n").skip(1).collect();
    assert_eq!(stages.len(), ALL.len());
    thread::scope(|scope| {
        for (lines, recipe) in stages.into_iter().zip(ALL) {
            let (base, rinit) = (base.name(), rinit.name());
            scope.spawn(move || follow(&recipe, lines, base, rinit));
        }
    });
}

fn follow(recipe: &Recipe, lines: &str, base: &str, rinit: &str) {
    let (from, lines) = lines.split_once('\n').expect("several lines");
    assert!(from.ends_with(&format!(" AS {}", recipe.stage)), "{from}");
    let context = Directory::new("recipe");
    let files = ["server.js", "package.json", "Hook.java"].map(|name| super::files().join(name));
    let stories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/stories");
    let scripts = ["entry.sh", "program.py"].map(|name| stories.join(name));
    for file in files.iter().chain(&scripts) {
        let name = file.file_name().and_then(|name| name.to_str());
        context.copy(file, name.expect("a name"));
    }
    let lines = lines.replace("rinit-demo", rinit);
    let dockerfile = format!("FROM {base}\n{}\n{lines}\n", recipe.base);
    context.executable("Dockerfile", dockerfile);

    // Cached, a layer could be removed with the image of another recipe, in the middle of this build.
    let image = Image::build(&["--network", "host", "--no-cache"], context.path());
    let container = image.start(&[], "");
    container.wait_until_it_runs();
    let until = format!("until {}; do sleep 0.1; done", recipe.works);
    container.exec_words(&[], &["timeout", "120", "sh", "-c", &until]);
    container.docker("stop", &["--time", "60"]);
    container.stdout.wait_for_end();
    container.stderr.wait_for_end();
    assert!((recipe.is_in_order)(&container), "{}", recipe.stage);
    assert_eq!(container.end().status, recipe.status, "{}", recipe.stage);
}

#[test]
fn readme_shows_recipes_as_they_are_tested() {
    let block = readme::block("## Recipes", "dockerfile");
    for stage in block.trim_end().split("\n\n") {
        assert!(RECIPES.contains(&format!("\n\n{stage}\n")), "{stage}");
    }
}
