//! An init that insists on being process 1 becomes it: rinit makes room for what it knows for certain, and runs
//! everything else as its command.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::before_exec::bind;
use crate::common::elf_samples::{self, Machine};
use crate::common::output::assert_order;
use crate::common::{
    Directory, Rinit, as_pid1, as_subreaper, find_program, fixture, proc, signal, skip,
};

/// What each init is called, and what nothing else has in it.
const MARKS: [(&str, &str); 6] = [
    ("systemd", "systemd.show_status"),
    ("openrc-init", "OpenRC init version "),
    ("runit", "must be run as process no 1."),
    ("runit-init", "init: fatal: "),
    ("init", "must be run as PID 1"),
    ("init", "INIT_VERSION=sysvinit-"),
];

#[test]
fn what_takes_the_place_finds_all_as_rinit_found_it() {
    let some = signal::set([1, 10, 17, 32, 33, 34, 64]);
    as_pid1(|role| {
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
            let with = report(Rinit::new(role).arg(&init));
            assert_eq!(with, report(Rinit::program(role, &init)));
            let has = |line: &str| assert!(with.iter().any(|other| other == line), "{with:#?}");
            has(&format!("SigBlk:\t{some:016x}"));
            has("environ: \"LISTEN_PID=1\"");
        }
    });
}

#[test]
fn each_init_is_known_whatever_links_lead_there() {
    as_pid1(|role| {
        for (name, mark) in MARKS {
            let directory = Directory::new("known");
            let init = directory.executable(name, marked(mark));
            assert_eq!(pid_of(Rinit::new(role), &init), 1, "{name}");
            let links = Directory::new("links");
            symlink(&init, links.path().join("second")).expect("a link");
            symlink("second", links.path().join("init")).expect("a link");
            let rinit = Rinit::new(role).env("PATH", links.path());
            assert_eq!(pid_of(rinit, Path::new("init")), 1, "{name}");
        }
    });
}

#[test]
fn the_script_of_s6_overlay_is_known_by_the_overlays_own_files() {
    as_pid1(|role| {
        let overlay = Directory::new("overlay");
        let script = "#!/bin/sh\n echo ready x $$ # /etc/s6/init/init-stage1 \"$@\"\n";
        let named_init = overlay.executable("init", script);
        let named_otherwise = overlay.executable("start", script);
        let rinit = || Rinit::new(role).before_exec(bind(overlay.path(), "/etc"));
        assert_eq!(pid_of(rinit(), &named_init), 2, "without them");
        fs::create_dir_all(overlay.path().join("s6/init")).expect("a directory");
        overlay.executable("s6/init/init-stage1", "");
        assert_eq!(pid_of(rinit(), &named_init), 1);
        assert_eq!(pid_of(rinit(), &named_otherwise), 2);
    });
}

#[test]
fn what_is_merely_called_an_init_is_a_command() {
    as_pid1(|role| {
        let directory = Directory::new("namesakes");
        let is_command = |name: &str, content: &[u8]| {
            let file = directory.executable(name, content);
            assert_eq!(pid_of(Rinit::new(role), &file), 2, "{name}");
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
fn busybox_is_an_init_only_where_it_is_called_so() {
    as_pid1(|role| {
        let directory = Directory::new("busybox");
        let busybox = directory.executable("busybox", marked("must be run as PID 1"));
        for (name, pid) in [("init", 1), ("sleep", 2)] {
            let link = directory.path().join(name);
            symlink("busybox", &link).expect("a link");
            assert_eq!(pid_of(Rinit::new(role), &link), pid, "{name}");
        }
        assert_eq!(pid_of(Rinit::new(role), &busybox), 2);
    });
}

#[test]
fn beside_process_1_an_init_is_a_command() {
    as_subreaper(|role| {
        let directory = Directory::new("beside");
        for (name, mark) in MARKS {
            let init = directory.executable(name, marked(mark));
            assert_eq!(pid_of(Rinit::new(role), &init), 3, "{name}");
        }
    });
}

#[test]
fn systemd_with_another_job_than_the_system_is_a_command() {
    as_pid1(|role| {
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
            let rinit = Rinit::new(role).arg(&systemd).words("sleep x").arg(word);
            assert_eq!(pid_that_it_says(rinit), pid, "{word}");
        }
    });
}

#[test]
fn making_room_can_be_turned_off() {
    as_pid1(|role| {
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
            let rinit = Rinit::new(role).env("RINIT_MAKE_ROOM", value);
            assert_eq!(pid_of(rinit, &init), pid, "{value:?}");
        }
    });
}

#[test]
fn an_init_that_cannot_be_started_is_explained_as_any_command() {
    as_pid1(|role| {
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
        let init = directory.executable("systemd", elf_samples::elf(arm64, b"systemd.show_status"));
        let ended = Rinit::new(role).words("-v").arg(&init).run();
        assert_eq!(ended.status, 126);
        assert_order(
            &ended.stderr,
            &["making room for", "cannot run", "it is built for"],
        );
    });
}

#[test]
fn other_container_inits_are_commands() {
    as_pid1(|role| {
        for peer in ["tini", "dumb-init", "catatonit"] {
            if find_program(peer).is_none() {
                skip(&format!("{peer} is not installed: apt install {peer}"));
                continue;
            }
            let rinit = Rinit::new(role).words(peer).fixture("sleep x").start();
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
