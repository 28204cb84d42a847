//! What COMMAND has of what rinit was given, and what is closed to it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};

use super::{close_all_but, same_with_and_without};
use crate::common::before_exec::hand_over;
use crate::common::{Directory, Rinit, as_pid1_and_subreaper, proc, signal, wait_until};

#[test]
fn the_command_has_the_inherited_mask_and_ignored_signals() {
    let all = signal::set(signal::all());
    let some = signal::set([1, 10, 17, 32, 33, 34, 64]);
    let ignored = signal::set([libc::SIGPIPE, libc::SIGCHLD, libc::SIGTTOU, 33, 40]);
    as_pid1_and_subreaper(|role| {
        for (blocked, ignored) in [(0, 0), (0, ignored), (some, 0), (all, all)] {
            let report = same_with_and_without("signals", role, |rinit| {
                rinit.before_exec(move || {
                    signal::block(blocked)?;
                    signal::all()
                        .filter(|&number| ignored & signal::set([number]) != 0)
                        .try_for_each(signal::ignore)
                })
            });
            // That it was inherited at all.
            assert!(
                report.contains(&format!("SigBlk:\t{blocked:016x}\n")),
                "{report}"
            );
            assert!(
                report.contains(&format!("SigIgn:\t{ignored:016x}\n")),
                "{report}"
            );
        }
    });
}

#[test]
fn the_command_has_the_inherited_files() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("files-{role:?}"));
        let file = File::create(directory.path().join("inherited")).expect("a file");
        file.set_len(100).expect("a length");
        let descriptor = file.as_raw_fd();
        let report = same_with_and_without("files", role, |rinit| {
            rinit.before_exec(move || {
                hand_over(descriptor)?;
                // SAFETY: lseek touches no memory.
                unsafe { libc::lseek(descriptor, 42, libc::SEEK_SET) };
                Ok(())
            })
        });
        assert_eq!(report.matches(" at 42, ").count(), 3, "{report}");
        assert_eq!(report.matches("descriptor").count(), 6, "{report}");
    });
}

#[test]
fn closed_standard_descriptors_stay_closed() {
    as_pid1_and_subreaper(|role| {
        for open in 0..0b111 {
            let report = same_with_and_without("closed", role, |rinit| {
                rinit.before_exec(move || close_all_but(open))
            });
            assert_eq!(
                report.matches("descriptor").count(),
                open.count_ones() as usize,
                "{report}"
            );
        }
    });
}

#[test]
fn the_command_has_the_inherited_limits_umask_and_directory() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("limits-{role:?}"));
        let path = directory.path().to_owned();
        let report = same_with_and_without("limits", role, |rinit| {
            rinit.directory(&path).before_exec(|| {
                setrlimit(Resource::RLIMIT_NOFILE, 600, 601)?;
                setrlimit(Resource::RLIMIT_CORE, 0, 4096)?;
                setrlimit(Resource::RLIMIT_SIGPENDING, 77, 78)?;
                umask(Mode::from_bits_truncate(0o027));
                Ok(())
            })
        });
        assert!(report.contains("Umask:\t0027\n"), "{report}");
        assert!(
            report.contains(&format!("directory: Ok({path:?})")),
            "{report}"
        );
        assert!(report.lines().any(|line| {
            line.split_whitespace()
                .eq("Max pending signals 77 78 signals".split(' '))
        }));
    });
}

#[test]
fn the_command_has_every_byte_of_its_arguments_and_environment() {
    as_pid1_and_subreaper(|role| {
        let bytes = || OsString::from_vec((1..=255).collect());
        let report = same_with_and_without("bytes", role, |rinit| {
            rinit
                .env("BYTES", bytes())
                .env("EMPTY", "")
                .env(OsString::from_vec(vec![0xff, b'x']), "not UTF-8")
        });
        assert!(
            report.contains(&format!("environ: {:?}", OsStr::new("EMPTY="))),
            "{report}"
        );
        assert!(report.contains(r#"environ: "\xFFx=not UTF-8""#), "{report}");
        assert!(report.contains(r#"cmdline: "\xFF\xFE""#), "{report}");
        assert!(
            report.contains("cmdline: \"\"\ncmdline: \"--version\""),
            "{report}"
        );
    });
}

#[test]
fn the_command_leads_a_group_of_its_own() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role).fixture("sleep command").start();
        let command = rinit.ready("command");
        assert_eq!(proc::group(command), command);
        assert_ne!(proc::group(rinit.pid), command);
    });
}

#[test]
fn orphans_become_rinits_children_without_being_asked_for() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("orphan sleep left , sleep command")
            .start();
        let orphan = rinit.ready("left");
        assert_eq!(proc::parent(orphan), rinit.pid);
        rinit.ready("command");
        assert_eq!(rinit.stderr.text(), "", "silently");
    });
}

#[test]
fn a_pausing_rinit_holds_nothing_open_that_came_from_outside() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("paused-{role:?}"));
        let file = File::create(directory.path().join("inherited")).expect("a file");
        let descriptor = file.as_raw_fd();
        let rinit = Rinit::new(role)
            .directory(directory.path())
            .before_exec(move || hand_over(descriptor))
            .words("-P")
            .start();
        wait_until("rinit has let go of all", || {
            let held = proc::descriptors(rinit.pid);
            let standard = [(0, "/dev/null".to_owned()), (1, "/dev/null".to_owned())];
            let at_root = fs::read_link(format!("/proc/{}/cwd", rinit.pid));
            held.starts_with(&standard)
                && held.iter().all(|(number, _)| *number <= 2)
                && at_root.is_ok_and(|path| path == Path::new("/"))
        });
        rinit.send(libc::SIGTERM);
        assert_eq!(rinit.end().status, 0);
    });
}

#[test]
fn rinit_holds_nothing_open_that_came_from_outside() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("held-{role:?}"));
        let file = File::create(directory.path().join("inherited")).expect("a file");
        let descriptor = file.as_raw_fd();
        let rinit = Rinit::new(role)
            .directory(directory.path())
            .before_exec(move || hand_over(descriptor))
            .fixture("sleep command")
            .start();
        let command = rinit.ready("command");
        wait_until("rinit is at /", || {
            fs::read_link(format!("/proc/{}/cwd", rinit.pid))
                .is_ok_and(|path| path == Path::new("/"))
        });
        wait_until("rinit has let go of all", || {
            let held = proc::descriptors(rinit.pid);
            let inherited = proc::descriptors(command);
            let standard = [(0, "/dev/null".to_owned()), (1, "/dev/null".to_owned())];
            let of_command =
                |name: &String| inherited.iter().any(|(_, inherited)| inherited == name);
            held.starts_with(&standard)
                // Standard error is rinit's too, to tell what is wrong.
                && !held.iter().any(|(number, name)| *number > 2 && of_command(name))
        });
    });
}

#[test]
fn what_rinit_opens_for_itself_never_lands_among_the_standard_descriptors() {
    as_pid1_and_subreaper(|role| {
        for open in 0..0b111 {
            let rinit = Rinit::new(role)
                .before_exec(move || close_all_but(open))
                .fixture("sleep command")
                .start();
            wait_until("they are on /dev/null, but for standard error", || {
                let held = proc::descriptors(rinit.pid);
                let names = held.iter().map(|(number, name)| (*number, name.as_str()));
                let expected = [(0, "/dev/null"), (1, "/dev/null"), (2, "/dev/null")];
                let shown = if open & 0b100 == 0 { 3 } else { 2 };
                held.len() == 3 && names.take(shown).eq(expected.into_iter().take(shown))
            });
        }
    });
}

#[test]
fn who_reads_the_commands_output_sees_its_end_while_rinit_lives_on() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .fixture("say last-words close 1 sleep command")
            .start();
        rinit.stdout.wait_for_end();
        assert_eq!(rinit.stdout.text(), "last-words\n");
        assert!(
            proc::state(rinit.pid).is_some_and(|state| state != 'Z'),
            "rinit lives"
        );
    });
}

#[test]
fn what_names_rinits_pid_for_socket_activation_names_the_command() {
    as_pid1_and_subreaper(|role| {
        let own = role.pid().to_string();
        let ask = "env LISTEN_PID env LISTEN_FDS env LISTEN_PIDFDID env WATCHDOG_PID env WATCHDOG_USEC sleep command";
        let answer = |listen: &str, watchdog: &str| {
            let rinit = Rinit::new(role)
                .env("LISTEN_PID", listen)
                .env("LISTEN_FDS", "1")
                .env("LISTEN_PIDFDID", "4711")
                .env("WATCHDOG_PID", watchdog)
                .env("WATCHDOG_USEC", "30")
                .fixture(ask)
                .start();
            let pid = rinit
                .says("ready command")
                .rsplit(' ')
                .next()
                .expect("a pid")
                .to_owned();
            let text = rinit.stdout.text();
            let said: Vec<String> = text.lines().take(5).map(str::to_owned).collect();
            (pid, said)
        };
        let (pid, said) = answer(&own, &own);
        assert_eq!(
            said,
            [
                &format!("LISTEN_PID={pid}"),
                "LISTEN_FDS=1",
                "LISTEN_PIDFDID is not set",
                &format!("WATCHDOG_PID={pid}"),
                "WATCHDOG_USEC=30"
            ]
        );
        let (_, said) = answer("4712", "4713");
        assert_eq!(
            said,
            [
                "LISTEN_PID=4712",
                "LISTEN_FDS=1",
                "LISTEN_PIDFDID=4711",
                "WATCHDOG_PID=4713",
                "WATCHDOG_USEC=30"
            ],
            "not rinit's pid, so none of its business"
        );
        let (pid, said) = answer("4712", &own);
        assert_eq!(
            [&said[0], &said[3]],
            ["LISTEN_PID=4712", &format!("WATCHDOG_PID={pid}")],
            "each by itself"
        );
        let (pid, said) = answer(&own, "");
        assert_eq!(
            [&said[0], &said[3]],
            [&format!("LISTEN_PID={pid}"), "WATCHDOG_PID="]
        );
    });
}
