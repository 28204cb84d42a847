//! Podman with rinit in place of catatonit: as the init of containers, as a pod's pause process, and as the process
//! that holds the namespaces of a user.

use std::fs;

use crate::common::engine::{Image, docker, run};
use crate::common::isolated_host::{alone, enter};
use crate::common::podman::Podman;
use crate::common::readme::{block, code};
use crate::common::{binary, proc, signal, wait_for, wait_until};

const CHAPTER: &str = "### Podman";

/// Root's Podman, and a user's.
const BOTH: [fn() -> Option<Podman>; 2] = [Podman::of_root, Podman::of_user];

#[test]
fn rinit_is_the_init_of_a_container_that_asks_for_it_by_path() {
    for podman in BOTH {
        alone(|| {
            let Some(_podman) = podman() else { return };
            install();
            assert_init_is_rinit(&["--init", "--init-path", "/usr/local/bin/rinit"]);
        });
    }
}

#[test]
fn rinit_is_the_init_that_the_configuration_names() {
    for podman in BOTH {
        alone(|| {
            let Some(_podman) = podman() else { return };
            install();
            let configuration = format!("[containers]\n{}\n", code("init_path = "));
            fs::write("/etc/containers/containers.conf", configuration).expect("a configuration");
            assert_init_is_rinit(&["--init"]);
        });
    }
}

#[test]
fn rinit_is_the_init_in_the_place_of_catatonit() {
    for podman in BOTH {
        alone(|| {
            enter(block(CHAPTER, "sh"));
            let Some(_podman) = podman() else { return };
            assert_init_is_rinit(&["--init"]);
        });
    }
}

#[test]
fn a_pod_s_pause_process_is_rinit_and_reaps() {
    for podman in BOTH {
        alone(|| {
            enter(block(CHAPTER, "sh"));
            let Some(_podman) = podman() else { return };
            let image = Image::of_two_files(&[], "");
            let pod = Pod::new("--share=pid,ipc,uts");
            let app = image.start(
                &["--pod", pod.0],
                "/fixture orphan await left USR1 exit 3 , sleep app",
            );
            app.says("ready left");
            app.says("ready app");
            let pause = pod.pause_process();
            assert_is_rinit(pause);
            assert_eq!(proc::command_line(pause).as_deref(), Some("/catatonit -P"));

            let orphans = proc::children(pause);
            assert_eq!(orphans.len(), 1);
            signal::send(orphans[0], libc::SIGUSR1).expect("an orphan");
            wait_until("the orphan is reaped", || proc::children(pause).is_empty());

            docker(&["pod", "stop", pod.0]);
            assert_eq!(pod.infra("{{.State.ExitCode}}"), "0");
            // The end of its first process is that of the namespace.
            assert_ne!(app.end().status, 0);
        });
    }
}

#[test]
fn a_pause_process_of_old_gives_way_to_rinit() {
    for podman in BOTH {
        alone(|| {
            let Some(podman) = podman() else { return };
            let runs_rinit = || {
                let pod = Pod::new("--share=pid");
                docker(&["pod", "start", pod.0]);
                let program = fs::read(format!("/proc/{}/exe", pod.pause_process()));
                program.expect("a process") == fs::read(binary()).expect("rinit")
            };
            assert!(!runs_rinit(), "the machine comes with another one");
            enter(block(CHAPTER, "sh"));
            podman.enter(block("The old one lives on", "sh"));
            assert!(runs_rinit());
        });
    }
}

#[test]
fn each_container_of_a_pod_may_have_an_init_of_its_own() {
    alone(|| {
        enter(block(CHAPTER, "sh"));
        let Some(_podman) = Podman::of_root() else {
            return;
        };
        let image = Image::of_two_files(&[], "");
        let pod = Pod::new("--share=ipc,uts");
        let options = ["--init", "--pod", pod.0];
        let app = image.start(
            &options,
            "/fixture fork linger left TERM 200 exit 0 , sleep app",
        );
        app.says("ready left");
        app.says("ready app");
        docker(&["pod", "stop", pod.0]);
        let ended = app.end();
        assert_eq!(ended.status, 143);
        assert!(ended.stdout.contains("left got TERM"), "{}", ended.stdout);
        assert_eq!(pod.infra("{{.State.ExitCode}}"), "0");
    });
}

#[test]
fn the_process_that_holds_a_user_s_namespaces_is_rinit() {
    alone(|| {
        enter(block(CHAPTER, "sh"));
        let Some(_podman) = Podman::of_user() else {
            return;
        };
        docker(&["info"]);
        let pause = wait_for("there is a pause process", || {
            let pid = fs::read_to_string("/run/somebody/libpod/tmp/pause.pid").ok()?;
            pid.trim().parse().ok()
        });
        assert_is_rinit(pause);
        assert_eq!(proc::command_line(pause).as_deref(), Some("catatonit -P"));

        // Podman finds its way back into them.
        let image = Image::of_two_files(&[], "");
        assert_eq!(image.run(&[], "/fixture exit 7").status, 7);
        drop(image);
        docker(&["system", "migrate"]);
        wait_until("it has ended", || {
            matches!(proc::state(pause), None | Some('Z'))
        });
    });
}

fn install() {
    enter("install -D target/release/rinit /usr/local/bin/rinit");
}

fn assert_init_is_rinit(options: &[&str]) {
    let image = Image::of_two_files(&[], "");
    let app = "/fixture fork linger left TERM 200 exit 0 , sleep app";
    let options = [options, &["--env", "RINIT_VERBOSE=1"]].concat();
    let container = image.start(&options, app);
    container.says("ready left");
    container.says("ready app");
    container.docker("stop", &[]);
    let ended = container.end();
    assert_eq!(ended.status, 143);
    assert!(ended.stderr.contains("rinit: started"), "{}", ended.stderr);
    assert!(ended.stdout.contains("left got TERM"), "{}", ended.stdout);

    let ended = image.run(&options, "/no/such/program");
    assert_eq!(ended.status, 127);
    assert!(ended.stderr.starts_with("rinit: "), "{}", ended.stderr);
}

fn assert_is_rinit(pid: i32) {
    let path = format!("/proc/{pid}/exe");
    wait_until("it runs rinit", || {
        fs::read(&path).ok() == fs::read(binary()).ok()
    });
}

/// A pod, removed when dropped.
struct Pod(&'static str);

impl Pod {
    fn new(share: &str) -> Pod {
        let pod = Pod("pod");
        docker(&["pod", "create", share, "--network=none", "--name", pod.0]);
        pod
    }

    /// What is to be known of the container that holds its namespaces.
    fn infra(&self, format: &str) -> String {
        let infra = docker(&[
            "pod",
            "inspect",
            "--format",
            "{{.InfraContainerID}}",
            self.0,
        ]);
        docker(&["inspect", "--format", format, &infra])
    }

    fn pause_process(&self) -> i32 {
        self.infra("{{.State.Pid}}").parse().expect("a pid")
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = run(&["pod", "rm", "--force", "--time=0", self.0]);
    }
}
