//! A Docker engine whose `docker run --init` puts rinit into containers, whatever their image is.

use std::fs;
use std::process::Command;

use crate::common::engine::{self, Engine, Image, docker};
use crate::common::isolated_host::{alone, enter};
use crate::common::readme::{block, code};
use crate::common::{Directory, binary};

const CHAPTER: &str = "### Docker and Compose";

#[test]
fn the_engine_finds_rinit_as_docker_init() {
    alone(|| {
        let Some(engine) = Engine::start(&[]) else {
            return;
        };
        assert_ne!(shown_commits("docker-init"), [commit(), commit()]);
        enter(block(CHAPTER, "sh"));
        assert_engine_runs_rinit(&engine, "docker-init");
    });
}

#[test]
fn the_engine_learns_of_rinit_by_an_option() {
    alone(|| {
        let Some(engine) = Engine::with_rinit() else {
            return;
        };
        assert_engine_runs_rinit(&engine, "rinit");
    });
}

#[test]
fn the_engine_learns_of_rinit_by_its_configuration() {
    alone(|| {
        enter("install -D target/release/rinit /usr/local/bin/rinit");
        fs::write("/etc/docker/daemon.json", code("{\"init-path\": ")).expect("a configuration");
        let Some(engine) = Engine::start(&[]) else {
            return;
        };
        assert_engine_runs_rinit(&engine, "rinit");
    });
}

#[test]
fn an_image_of_nothing_but_a_program_gets_an_init() {
    alone(|| {
        let Some(_engine) = Engine::with_rinit() else {
            return;
        };
        let image = Image::of_two_files(&[], "");
        for (options, status) in [([].as_slice(), 137), (&["--init"], 143)] {
            let container = image.start(options, "/fixture sleep app");
            container.says("ready app");
            container.docker("stop", &["-t", "1"]);
            assert_eq!(container.end().status, status, "{options:?}");
        }
        for (words, status) in [
            ("/fixture exit 7", 7),
            ("/no/such/program", 127),
            ("/etc", 126),
        ] {
            let ended = image.run(&["--init"], words);
            assert_eq!(ended.status, status, "{words}: {}", ended.stderr);
            assert_eq!(ended.stderr.starts_with("rinit: "), status > 7, "{words}");
        }
    });
}

#[test]
fn an_image_whose_entrypoint_is_rinit_gets_another_one() {
    alone(|| {
        let Some(_engine) = Engine::with_rinit() else {
            return;
        };
        let image = Image::of_two_files(&[], "");
        let options = ["--init", "--env", "RINIT_VERBOSE=1"];
        let container = image.start(
            &options,
            "/sbin/rinit -- /fixture fork linger left TERM 100 exit 0 , sleep app",
        );
        for name in ["left", "app"] {
            container.says(&format!("ready {name}"));
        }
        container.docker("stop", &[]);
        let ended = container.end();
        assert_eq!(ended.status, 143);
        assert_eq!(ended.stderr.matches("rinit: started").count(), 2);
        assert_eq!(ended.stdout.matches("left got TERM").count(), 1);
    });
}

#[test]
fn a_shell_of_debian_and_what_it_started_finish_behind_the_engine_s_init() {
    let Some(debian) = engine::debian() else {
        return;
    };
    let directory = Directory::new("debian");
    let file = directory.path().join("image.tar");
    docker(&["save", "--output", file.to_str().expect("UTF-8"), debian]);
    alone(|| {
        let Some(_engine) = Engine::with_rinit() else {
            return;
        };
        let image = Image::load(&file);
        let script =
            "(trap 'sleep 0.5; echo last words; exit' TERM; echo ready; sleep 60 & wait) & wait";
        for options in [["--init", "--user=root"], ["--init", "--user=1234"]] {
            let container = image.start_words(&options, &["sh", "-c", script]);
            container.says("ready");
            container.docker("stop", &[]);
            let ended = container.end();
            assert_eq!((ended.status, &*ended.stdout), (143, "ready\nlast words\n"));
        }
    });
}

fn assert_engine_runs_rinit(engine: &Engine, name: &str) {
    let before = engine.log();
    assert_eq!(shown_commits(name), [commit(), commit()]);
    let log = engine.log();
    let since = log.strip_prefix(&before).expect("a log that grows");
    assert!(!since.contains("version"), "{since}");

    let ended = Image::of_two_files(&[], "")
        .run(&["--init", "--env", "RINIT_VERBOSE=1"], "/fixture exit 7");
    assert!(ended.stderr.contains("rinit: started \"/fixture\""));
    assert_eq!(ended.status, 7);
}

/// What `docker info` and `docker version` say of the engine's init, whose file has that name.
fn shown_commits(name: &str) -> [String; 2] {
    let info = docker(&["info"]);
    let shown = info
        .lines()
        .find_map(|line| line.trim().strip_prefix("init version: "));
    let part = format!("{{{{if eq .Name {name:?}}}}}{{{{.Details.GitCommit}}}}{{{{end}}}}");
    let parts = format!("{{{{range .Server.Components}}}}{part}{{{{end}}}}");
    let version = docker(&["version", "--format", &parts]);
    [shown.unwrap_or_default().into(), version]
}

/// The one that rinit names itself.
fn commit() -> String {
    let output = Command::new(binary()).arg("--version").output();
    let version = String::from_utf8_lossy(&output.expect("rinit").stdout).into_owned();
    let (_, commit) = version.split_once(" - git.").expect("a commit");
    commit.trim_end().into()
}
