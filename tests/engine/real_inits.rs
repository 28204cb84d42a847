//! Real inits that insist on being process 1 become it, and run their services.
//!
//! systemd, runit, OpenRC, busybox and sysvinit are Debian's. s6-overlay is not among its packages: its files are laid out as the overlay
//! does that, and Debian's s6 runs in them.

use std::path::Path;
use std::sync::Arc;

use crate::common::engine::{self, Container, Engine, Image};
use crate::common::isolated_host::alone;
use crate::common::{Directory, binary, limit};

/// What systemd needs in a container, whatever the machine's own hierarchies of cgroups are.
const FOR_SYSTEMD: &str = "--cap-add SYS_ADMIN --cgroupns private --tmpfs /run --tmpfs /sys/fs/cgroup \
                           --stop-signal RTMIN+3";
const SYSTEMD: [&str; 2] = ["/sbin/init", "systemd.unified_cgroup_hierarchy=1"];

#[test]
fn systemd_boots_to_its_target_behind_rinit() {
    let Some(image) = image("systemd", "systemd-sysv") else {
        return;
    };
    let options: Vec<&str> = FOR_SYSTEMD.split_whitespace().collect();
    let container = boot(&image, &options, &SYSTEMD);
    let said = container.stderr.line("making room");
    assert!(
        include_str!("../../README.md").contains(&format!("\n{said}\n")),
        "{said}"
    );
    assert_boots(container);

    let turned_off = [&options, ["--env", "RINIT_MAKE_ROOM=0"].as_slice()].concat();
    let ended = boot(&image, &turned_off, &SYSTEMD).end();
    assert_eq!(ended.status, 1);
    assert!(
        ended.stderr.contains("exited with status 1"),
        "{}",
        ended.stderr
    );
}

#[test]
fn systemd_boots_to_its_target_behind_the_init_of_an_engine() {
    let Some(outside) = image("systemd", "systemd-sysv") else {
        return;
    };
    let directory = Directory::new("systemd");
    let file = directory.path().join("image.tar");
    outside.save(&file);
    alone(|| {
        let Some(_engine) = Engine::with_rinit() else {
            return;
        };
        let image = Image::load(&file);
        let options: Vec<&str> = FOR_SYSTEMD.split_whitespace().collect();
        let with_init = [&["--init"], options.as_slice()].concat();
        let container = image.start_words(&with_init, &SYSTEMD);
        container.wait_until_it_runs();
        assert_boots(container);
    });
}

/// systemd reaches its target, runs its service, and ends by a shutdown in order.
fn assert_boots(container: Container) {
    until(&container, "systemctl is-active multi-user.target");
    until(&container, "systemctl is-system-running");
    assert_eq!(container.exec("cat /demo /proc/1/comm"), "systemd\nsystemd");
    container.docker("stop", &["--time", "60"]);
    assert_eq!(container.end().status, 0);
}

#[test]
fn runit_runs_its_services_behind_rinit() {
    runs_its_services("runit", "runit-init", "init", "runit", 0);
}

#[test]
fn openrc_runs_its_services_behind_rinit() {
    runs_its_services("openrc", "openrc", "/sbin/openrc-init", "openrc-init", 1);
}

#[test]
fn s6_overlay_runs_its_services_behind_rinit() {
    for version in ["s6-overlay-2", "s6-overlay-3"] {
        runs_its_services(version, "execline s6", "/init", "s6-svscan", 100);
    }
}

/// By a link that is called so, as in Alpine.
#[test]
fn busybox_runs_its_services_behind_rinit() {
    runs_its_services("busybox", "busybox-static", "/init", "init", 1);
}

#[test]
fn sysvinit_runs_its_services_behind_rinit() {
    runs_its_services("sysvinit", "sysvinit-core", "/sbin/init", "init", 1);
}

/// The init becomes process 1 and starts the service of its image; as any command it ends at once.
fn runs_its_services(image_name: &str, packages: &str, init: &str, comm: &str, refusal: i32) {
    let Some(image) = image(image_name, packages) else {
        return;
    };
    let container = boot(&image, &[], &[init]);
    container.stderr.line(&format!("making room for {init:?}"));
    until(&container, "test -s /demo");
    assert_eq!(container.exec("cat /demo"), comm);

    let ended = boot(&image, &["--env", "RINIT_MAKE_ROOM=no"], &[init]).end();
    assert_eq!(ended.status, refusal, "{}", ended.stderr);
    assert!(!ended.stderr.contains("making room"), "{}", ended.stderr);
}

fn image(name: &str, packages: &str) -> Option<Arc<Image>> {
    engine::debian()?;
    let context = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/inits");
    let tag = format!("rinit-{name}");
    let packages = format!("PACKAGES={packages}");
    let init = format!("INIT={name}");
    Some(Image::build(
        &[
            // Not over the engine's bridge, whose packets may be too large for the machine's network.
            "--network",
            "host",
            // It stays, so that the engine has it the next time.
            "--tag",
            &tag,
            "--build-arg",
            &packages,
            "--build-arg",
            &init,
        ],
        &context,
    ))
}

/// Starts a container as the engine does with `--init`: variables are all that rinit can be told.
fn boot(image: &Arc<Image>, options: &[&str], words: &[&str]) -> Container {
    let volume = format!("{}:/sbin/docker-init:ro", binary().display());
    let init = ["--volume", &volume, "--entrypoint", "/sbin/docker-init"];
    let verbose = ["--env", "RINIT_VERBOSE=1"];
    let container = image.start_words(
        &[init.as_slice(), &verbose, options].concat(),
        &[&["--"], words].concat(),
    );
    container.stderr.line("rinit: ");
    container
}

/// Waits for a condition that a script tests in the container.
fn until(container: &Container, condition: &str) {
    let limit = limit().as_secs().to_string();
    let script = format!("until {condition}; do sleep 0.1; done");
    container.exec_words(&[], &["timeout", &limit, "sh", "-c", &script]);
}
