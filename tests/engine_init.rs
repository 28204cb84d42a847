//! An engine whose `docker run --init` puts rinit into containers that have no init of their own.

mod common;

use std::process::Command;

use common::engine::{Engine, Image, docker};
use common::{Directory, binary, fixture};

#[test]
fn docker_run_with_init_runs_rinit() {
    let Some(_engine) = Engine::with_init(&binary()) else {
        return;
    };
    let version = Command::new(binary()).arg("--version").output();
    let version = String::from_utf8_lossy(&version.expect("rinit").stdout).into_owned();
    let commit = docker(&["info", "--format", "{{.InitCommit.ID}}"]);
    assert_eq!(
        version
            .trim_end()
            .split_once(" - git.")
            .map(|(_, commit)| commit),
        Some(&*commit)
    );

    let context = Directory::new("image-without-init");
    context.copy(&fixture(), "fixture");
    context.executable("Dockerfile", "FROM scratch\nCOPY fixture /fixture\n");
    let image = Image::build(&[], context.path());
    for (options, status) in [([].as_slice(), 137), (&["--init"], 143)] {
        let container = image.start(options, "/fixture sleep app");
        container.says("ready app");
        container.docker("stop", &["-t", "1"]);
        assert_eq!(container.end().status, status, "{options:?}");
    }
    for (words, status) in [("/fixture exit 7", 7), ("/no/such/program", 127)] {
        let ended = image.run(&["--init"], words);
        assert_eq!(ended.status, status, "{words}: {}", ended.stderr);
    }
}
