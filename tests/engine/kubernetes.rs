//! The Kubernetes manifest that README shows, played by Podman.

use std::fs;
use std::sync::Arc;

use crate::common::engine::{Image, docker, logs, run};
use crate::common::isolated_host::alone;
use crate::common::podman::Podman;
use crate::common::readme::block;
use crate::common::{proc, wait_until};

fn manifest() -> &'static str {
    block("## In a Kubernetes pod", "yaml")
}

fn with(manifest: &str, old: &str, new: &str) -> String {
    assert_eq!(manifest.matches(old).count(), 1, "{old:?}");
    manifest.replace(old, new)
}

#[test]
fn a_container_completes_once_all_that_it_has_started_has_finished() {
    for podman in [Podman::of_root, Podman::of_user] {
        alone(|| {
            let Some(_podman) = podman() else { return };
            let _image = image();
            let pod = Pod::play(manifest());
            let rinit = pod.first_process();
            assert_ne!(proc::inner_pid(rinit), Some(1), "the pod's is the first");
            wait_until("the orphan is reaped", || proc::children(rinit).len() == 1);
            assert_eq!(pod.stop(), 0);
            let said = logs(CONTAINER);
            assert_eq!(said.matches("left got TERM").count(), 1, "{said}");
            assert!(!said.contains("rinit"), "{said}");
        });
    }
}

#[test]
fn what_does_not_finish_in_time_is_killed_and_named() {
    alone(|| {
        let Some(_podman) = Podman::of_root() else {
            return;
        };
        let _image = image();
        let args =
            r#"args: ["/fixture", "fork", "ignore", "TERM", "sleep", "left", ",", "sleep", "app"]"#;
        let manifest = with(manifest(), "env:", &format!("{args}\n      env:"));
        let pod = Pod::play(&with(&manifest, "50s", "1s"));
        assert_eq!(pod.stop(), 0);
        let said = logs(CONTAINER);
        assert!(said.contains("time is up: killing with SIGKILL "), "{said}");
    });
}

#[test]
fn a_namespace_of_its_own_and_a_status_of_failure_are_to_be_had_as_well() {
    alone(|| {
        let Some(_podman) = Podman::of_root() else {
            return;
        };
        let _image = image();
        let command =
            r#"command: ["/sbin/rinit", "/fixture", "fork", "sleep", "left", ",", "sleep", "app"]"#;
        let manifest = with(manifest(), "env:", &format!("{command}\n      env:"));
        let manifest = with(&manifest, "Namespace: true", "Namespace: false");
        let pod = Pod::play(&with(&manifest, "\"true\"", "\"false\""));
        assert_eq!(proc::inner_pid(pod.first_process()), Some(1));
        assert_eq!(pod.stop(), 143);
    });
}

/// The one of the manifest. What it starts leaves an orphan, and something that finishes after it.
fn image() -> Arc<Image> {
    let command = "orphan exit 0 , fork linger left TERM 300 exit 0 , sleep app";
    let command = command.replace(' ', "\", \"");
    let instructions = format!(
        "ENTRYPOINT [\"/sbin/rinit\", \"--\"]\n\
         CMD [\"/fixture\", \"{command}\"]"
    );
    Image::of_two_files(&["--tag", "localhost/app:1.0"], &instructions)
}

/// The manifest's container, which runs until this is dropped.
struct Pod;

const MANIFEST: &str = "/run/manifest.yaml";
const CONTAINER: &str = "demo-app";

impl Pod {
    /// Is there once its processes are ready.
    fn play(manifest: &str) -> Pod {
        fs::write(MANIFEST, manifest).expect("a file");
        docker(&["kube", "play", "--network=none", MANIFEST]);
        let pod = Pod;
        wait_until("its processes are ready", || {
            let said = logs(CONTAINER);
            ["ready left ", "ready app "]
                .iter()
                .all(|name| said.contains(name))
        });
        pod
    }

    fn inspect(&self, format: &str) -> i32 {
        let number = docker(&["inspect", "--format", format, CONTAINER]);
        number.parse().expect("a number")
    }

    fn first_process(&self) -> i32 {
        self.inspect("{{.State.Pid}}")
    }

    /// As a node would, which gives as many seconds as the manifest asks for. Gives the status.
    fn stop(&self) -> i32 {
        docker(&["stop", "--time=60", CONTAINER]);
        self.inspect("{{.State.ExitCode}}")
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = run(&["kube", "down", MANIFEST]);
    }
}
