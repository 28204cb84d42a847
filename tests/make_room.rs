//! An init that insists on being process 1 becomes it: rinit makes room for what it knows for certain, and runs
//! everything else as its command.
//!
//! systemd, runit and OpenRC are Debian's. s6-overlay is not among its packages: its files are laid out as the overlay
//! does that, and Debian's s6 runs in them.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use common::engine::{self, Container, Engine, Image};
use common::machine::alone;
use common::output::assert_order;
use common::program::{self, Machine};
use common::rinit::bind;
use common::{Directory, LIMIT, Place, Rinit, at, binary, fixture, proc, signal, skip};

/// What each init is called, and what nothing else has in it.
const MARKS: [(&str, &str); 4] = [
    ("systemd", "systemd.show_status"),
    ("openrc-init", "OpenRC init version "),
    ("runit", "must be run as process no 1."),
    ("runit-init", "init: fatal: "),
];

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
        include_str!("../README.md").contains(&format!("\n{said}\n")),
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

#[test]
fn what_takes_the_place_finds_all_as_rinit_found_it() {
    let some = signal::set([1, 10, 17, 32, 33, 34, 64]);
    at(&[Place::Pid1], |place| {
        for sigchld_ignored in [false, true] {
            let directory = Directory::new("place");
            let init = directory.executable("systemd", marked("systemd.show_status"));
            let report = |rinit: Rinit| {
                let path = directory.path().join("report");
                let rinit = rinit
                    .env("LISTEN_PID", "1")
                    .env("LISTEN_PIDFDID", "7")
                    .before_exec(move || {
                        signal::block(some)?;
                        signal::ignore(libc::SIGPIPE)?;
                        if sigchld_ignored {
                            signal::ignore(libc::SIGCHLD)?;
                        }
                        Ok(())
                    });
                let ended = rinit.arg("report").arg(&path).words("exit 3").run();
                assert_eq!((ended.status, &*ended.stderr), (3, ""));
                let report = fs::read_to_string(&path).expect("a report");
                // Its pipes are new at each start.
                let lines = report.lines().filter(|line| !line.contains("descriptor"));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            let with = report(Rinit::new(place).arg(&init));
            assert_eq!(with, report(Rinit::program(place, &init)));
            let has = |line: &str| assert!(with.iter().any(|other| other == line), "{with:#?}");
            has(&format!("SigBlk:\t{some:016x}"));
            has("environ: \"LISTEN_PID=1\"");
        }
    });
}

#[test]
fn each_init_is_known_whatever_links_lead_there() {
    at(&[Place::Pid1], |place| {
        for (name, mark) in MARKS {
            let directory = Directory::new("known");
            let init = directory.executable(name, marked(mark));
            assert_eq!(pid_of(Rinit::new(place), &init), 1, "{name}");
            let links = Directory::new("links");
            symlink(&init, links.path().join("second")).expect("a link");
            symlink("second", links.path().join("init")).expect("a link");
            let rinit = Rinit::new(place).env("PATH", links.path());
            assert_eq!(pid_of(rinit, Path::new("init")), 1, "{name}");
        }
    });
}

#[test]
fn the_script_of_s6_overlay_is_known_by_the_overlays_own_files() {
    at(&[Place::Pid1], |place| {
        let overlay = Directory::new("overlay");
        let script = "#!/bin/sh\n echo ready x $$ # /etc/s6/init/init-stage1 \"$@\"\n";
        let named_init = overlay.executable("init", script);
        let named_otherwise = overlay.executable("start", script);
        let rinit = || Rinit::new(place).before_exec(bind(overlay.path(), "/etc"));
        assert_eq!(pid_of(rinit(), &named_init), 2, "without them");
        fs::create_dir_all(overlay.path().join("s6/init")).expect("a directory");
        overlay.executable("s6/init/init-stage1", "");
        assert_eq!(pid_of(rinit(), &named_init), 1);
        assert_eq!(pid_of(rinit(), &named_otherwise), 2);
    });
}

#[test]
fn what_is_merely_called_an_init_is_a_command() {
    at(&[Place::Pid1], |place| {
        let directory = Directory::new("namesakes");
        let is_command = |name: &str, content: &[u8]| {
            let file = directory.executable(name, content);
            assert_eq!(pid_of(Rinit::new(place), &file), 2, "{name}");
        };
        let fixture = fs::read(fixture()).expect("the fixture");
        is_command("init", &fixture);
        is_command("init", b"#!/bin/sh\necho ready x $$\n");
        for (name, mark) in MARKS {
            is_command(name, &fixture);
            let script = format!("#!/bin/sh\n# {mark}\necho ready x $$\n");
            is_command(name, script.as_bytes());
            // Another program of the same origin.
            is_command("sv", &marked(mark));
        }
    });
}

#[test]
fn beside_process_1_an_init_is_a_command() {
    at(&[Place::Subreaper], |place| {
        let directory = Directory::new("beside");
        for (name, mark) in MARKS {
            let init = directory.executable(name, marked(mark));
            assert_eq!(pid_of(Rinit::new(place), &init), 3, "{name}");
        }
    });
}

#[test]
fn systemd_with_another_job_than_the_system_is_a_command() {
    at(&[Place::Pid1], |place| {
        let directory = Directory::new("job");
        let systemd = directory.executable("systemd", marked("systemd.show_status"));
        for (word, pid) in [
            ("--user", 2),
            ("--test", 2),
            ("--version", 2),
            ("--help", 2),
            ("-h", 2),
            ("--dump-configuration-items", 2),
            ("--system", 1),
            ("--unit=rescue.target", 1),
            ("3", 1),
        ] {
            let rinit = Rinit::new(place).arg(&systemd).words("sleep x").arg(word);
            assert_eq!(pid_that_it_says(rinit), pid, "{word}");
        }
    });
}

#[test]
fn making_room_can_be_turned_off() {
    at(&[Place::Pid1], |place| {
        let directory = Directory::new("off");
        let init = directory.executable("systemd", marked("systemd.show_status"));
        for (value, pid) in [
            ("0", 2),
            ("false", 2),
            ("No", 2),
            ("off", 2),
            ("", 2),
            ("1", 1),
            ("true", 1),
            ("YES", 1),
            ("on", 1),
        ] {
            let rinit = Rinit::new(place).env("RINIT_MAKE_ROOM", value);
            assert_eq!(pid_of(rinit, &init), pid, "{value:?}");
        }
    });
}

#[test]
fn an_init_that_cannot_be_started_is_explained_as_any_command() {
    at(&[Place::Pid1], |place| {
        let directory = Directory::new("foreign");
        let arm64 = Machine {
            number: if cfg!(target_arch = "aarch64") {
                62
            } else {
                183
            },
            bits: 64,
            is_little_endian: true,
        };
        let init = directory.executable("systemd", program::elf(arm64, b"systemd.show_status"));
        let ended = Rinit::new(place).words("-v").arg(&init).run();
        assert_eq!(ended.status, 126);
        assert_order(
            &ended.stderr,
            &["making room for", "cannot run", "it is built for"],
        );
    });
}

#[test]
fn other_container_inits_are_commands() {
    at(&[Place::Pid1], |place| {
        for peer in ["tini", "dumb-init", "catatonit"] {
            if program::find(peer).is_none() {
                skip(&format!("{peer} is not installed: apt install {peer}"));
                continue;
            }
            let rinit = Rinit::new(place).words(peer).fixture("sleep x").start();
            let child = rinit.ready("x");
            assert_eq!(proc::inner_pid(proc::parent(child)), Some(2), "{peer}");
            rinit.send(libc::SIGTERM);
            assert_eq!(rinit.end().status, 128 + libc::SIGTERM, "{peer}");
        }
    });
}

/// The fixture, made to hold an init's mark.
fn marked(mark: &str) -> Vec<u8> {
    let mut program = fs::read(fixture()).expect("the fixture");
    program.extend(mark.as_bytes());
    program
}

/// The pid that COMMAND has as the fixture, or as a script that says so by itself.
fn pid_of(rinit: Rinit, command: &Path) -> i32 {
    pid_that_it_says(rinit.arg(command).words("sleep x"))
}

fn pid_that_it_says(rinit: Rinit) -> i32 {
    let line = rinit.start().says("ready x ");
    let pid = line.rsplit(' ').next().and_then(|pid| pid.parse().ok());
    pid.expect("a pid")
}

fn image(name: &str, packages: &str) -> Option<Arc<Image>> {
    engine::debian()?;
    let context = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inits");
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
    let limit = LIMIT.as_secs().to_string();
    let script = format!("until {condition}; do sleep 0.1; done");
    container.exec_words(&[], &["timeout", &limit, "sh", "-c", &script]);
}
