//! A service of Docker Compose, to which the file that README shows gives an init.

use std::fs;

use crate::common::engine::{Client, Engine, Image, ask, docker, logs, run_by};
use crate::common::isolated_host::alone;
use crate::common::readme::block;
use crate::common::{skip, wait_until};

#[test]
fn a_service_with_an_init_finishes_where_it_had_to_be_killed_without() {
    alone(|| {
        let Some(_engine) = Engine::with_rinit() else {
            return;
        };
        if run_by(COMPOSE, &["version"]).is_ok_and(|output| !output.status.success()) {
            skip("there is no docker-compose");
            return;
        }
        let words = "/fixture fork linger left TERM 300 exit 0 , sleep app";
        let command = format!("CMD [\"{}\"]", words.replace(' ', "\", \""));
        let _image = Image::of_two_files(&["--tag", "app"], &command);
        let file = block("### Docker and Compose", "yaml");
        for (init, patience, status, finished) in
            [("true", "60", "143", 1), ("false", "1", "137", 0)]
        {
            let line = format!("init: {init}");
            let _project = Project::up(&file.replace("init: true", &line));
            let service = ask(COMPOSE, &["ps", "--quiet"]);
            wait_until("its processes are ready", || {
                let said = logs(&service);
                said.contains("ready left ") && said.contains("ready app ")
            });
            ask(COMPOSE, &["stop", "--timeout", patience]);
            assert_eq!(docker(&["wait", &service]), status, "{line}");
            let said = logs(&service);
            assert_eq!(said.matches("left got TERM").count(), finished, "{said}");
        }
    });
}

const FILE: &str = "/run/docker-compose.yml";

const COMPOSE: Client = &[
    "docker-compose",
    "--host",
    "unix:///run/docker.sock",
    "--file",
    FILE,
];

/// What a Compose file asks for, until this is dropped.
struct Project;

impl Project {
    fn up(file: &str) -> Project {
        fs::write(FILE, file).expect("a file");
        let project = Project;
        ask(COMPOSE, &["up", "--detach"]);
        project
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = run_by(COMPOSE, &["down", "--timeout", "0"]);
    }
}
