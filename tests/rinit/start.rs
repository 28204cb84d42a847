//! The command starts exactly as if rinit were not there, and rinit holds on to nothing of its.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::rinit::{hand_over, hide};
use crate::common::strace;
use crate::common::{
    Directory, Rinit, Role, as_pid1_and_subreaper, binary, find_program, fixture, proc, signal,
    wait_until,
};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};

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

#[test]
fn the_command_is_looked_up_in_path() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("path-{role:?}"));
        let [first, second, third] =
            ["first", "second", "third"].map(|name| directory.path().join(name));
        for path in [&first, &second, &third] {
            fs::create_dir(path).expect("a directory");
        }
        let tool =
            |name: &str, status| directory.executable(name, format!("#!/bin/sh\nexit {status}\n"));
        let run = |path: String, word: &str| {
            let ended = Rinit::new(role)
                .env("PATH", path)
                .directory(directory.path())
                .arg(word)
                .run();
            (ended.status, ended.stderr)
        };
        let [a, b, c] = [&first, &second, &third].map(|path| path.display().to_string());

        assert_eq!(run(format!("{a}:{b}"), "tool").0, 127, "nowhere");
        assert_eq!(run(String::new(), "tool").0, 127);
        tool("second/tool", 22);
        tool("third/tool", 33);
        assert_eq!(
            run(format!("{a}:/nowhere:{b}:{c}"), "tool"),
            (22, String::new()),
            "the first that has it"
        );
        assert_eq!(run(format!("{c}:{b}"), "tool").0, 33);
        assert_eq!(
            run(format!("{a}/tool:{c}/tool:{b}"), "tool").0,
            22,
            "what is no directory is passed over"
        );

        fs::set_permissions(third.join("tool"), fs::Permissions::from_mode(0o644)).expect("a mode");
        assert_eq!(
            run(format!("{c}:{b}"), "tool"),
            (22, String::new()),
            "what may not be executed is passed over"
        );
        assert_eq!(run(format!("{c}:{a}"), "tool").0, 126, "and is remembered");
        fs::create_dir(first.join("tool")).expect("a directory of that name");
        assert_eq!(
            run(format!("{a}:{b}"), "tool").0,
            22,
            "a directory is passed over"
        );
        assert_eq!(run(a.clone(), "tool").0, 126);

        // An empty element is the working directory.
        tool("tool", 44);
        for path in [
            String::new(),
            format!(":{b}"),
            format!("{a}::{b}"),
            format!("{a}:"),
        ] {
            assert_eq!(
                run(path.clone(), "tool"),
                (44, String::new()),
                "PATH={path}"
            );
        }
        // Only a word without a slash is looked up.
        assert_eq!(run(b.clone(), "./tool").0, 44);
        assert_eq!(run(".".to_owned(), "second/tool").0, 22);
        assert_eq!(run(b, "nowhere/tool").0, 127);
        assert_eq!(run(a, "").0, 127, "an empty name");
    });
}

#[test]
fn without_path_the_usual_directories_are_searched() {
    as_pid1_and_subreaper(|role| {
        let ended = Rinit::new(role)
            .without_env("PATH")
            .words("sh -c")
            .arg("exit 5")
            .run();
        assert_eq!(ended.status, 5, "{}", ended.stderr);
    });
}

#[test]
fn a_script_that_names_no_interpreter_runs_under_the_shell() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("script-{role:?}"));
        let path = directory.executable("script", "echo \"$0|$1|$2\"\nexit $#\n");
        let run = |rinit: Rinit| {
            let ended = rinit.arg("a b").arg("").run();
            (ended.status, ended.stdout, ended.stderr)
        };
        let expected = (2, format!("{}|a b|\n", path.display()), String::new());
        assert_eq!(run(Rinit::new(role).arg(&path)), expected);
        assert_eq!(
            run(Rinit::new(role).env("PATH", directory.path()).arg("script")),
            expected,
            "from PATH"
        );
    });
}

#[test]
fn what_is_no_text_never_runs_under_the_shell() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("binary-{role:?}"));
        let fake = |head: &[u8]| [head, b"\nexit 0\n"].concat();
        let elf = fake(b"\x7fELF");
        for (name, content) in [
            ("elf", elf),
            ("zeros", fake(&[0; 64])),
            ("windows", fake(b"MZ\x90\0\x03\0\0\0")),
        ] {
            let ended = Rinit::new(role)
                .arg(directory.executable(name, content))
                .run();
            assert_eq!(ended.status, 126, "{name}");
            assert!(
                ended.stderr.starts_with("rinit: "),
                "{name}: {}",
                ended.stderr
            );
        }
    });
}

#[test]
fn a_command_that_cannot_be_started_is_named() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("named-{role:?}"));
        let file = directory.path().join("not-executable");
        File::create(&file).expect("a file");
        for (path, status) in [
            (PathBuf::from("/nowhere/tool"), 127),
            (file, 126),
            (PathBuf::from("/tmp"), 126),
            ("tool".into(), 127),
        ] {
            let ended = Rinit::new(role).arg(&path).run();
            assert_eq!(ended.status, status, "{}", ended.stderr);
            let first = ended.stderr.lines().next().unwrap_or_default();
            assert!(first.starts_with("rinit: "), "{}", ended.stderr);
            assert!(
                first.contains(path.to_str().expect("UTF-8")),
                "{}",
                ended.stderr
            );
        }
    });
}

#[test]
fn no_free_descriptor_is_needed() {
    as_pid1_and_subreaper(|role| {
        let run = |rinit: Rinit, name: &str| {
            let rinit = rinit.before_exec(|| Ok(setrlimit(Resource::RLIMIT_NOFILE, 3, 3)?));
            let ended = rinit.arg("--").arg(name).words("say started exit 42").run();
            (ended.status, ended.stdout, ended.stderr)
        };
        let fixture = fixture().display().to_string();
        assert_eq!(
            run(Rinit::new(role), &fixture),
            (42, "started\n".to_owned(), String::new())
        );
        for name in ["/nowhere/command", "no-such-command"] {
            let (ended, _, said) = run(Rinit::new(role), name);
            assert_eq!(ended, 127, "{name}");
            assert!(said.starts_with("rinit: cannot run "), "{name}: {said}");
        }
        // Why an exec failed comes over a pipe: without one, the status has to do.
        let (ended, _, _) = run(Rinit::new(role), "/tmp");
        assert_eq!(ended, 126);
    });
}

#[test]
fn neither_dev_nor_proc_is_needed() {
    as_pid1_and_subreaper(|role| {
        for missing in [&["/dev"][..], &["/proc"], &["/dev", "/proc"]] {
            let mut rinit = Rinit::new(role)
                .before_exec(|| missing.iter().try_for_each(|path| hide(path)))
                .fixture("orphan sleep left , await command 10 say told until-eof exit 42")
                .start();
            let orphan = rinit.ready("left");
            rinit.ready("command");
            rinit.send(libc::SIGUSR1);
            rinit.says("told");
            // It may well have died of the signal already.
            let _ = signal::send(orphan, libc::SIGKILL);
            wait_until("rinit has reaped the orphan", || {
                proc::children(rinit.pid).len() == 1
            });
            drop(rinit.stdin.take());
            let ended = rinit.end();
            assert_eq!(ended.status, 42, "without {missing:?}: {}", ended.stderr);
        }
    });
}

/// What the fixture reports of its start under rinit, after a comparison with its start without.
fn same_with_and_without(name: &str, role: Role, prepare: impl Fn(Rinit) -> Rinit) -> String {
    let directory = Directory::new(&format!("{name}-{role:?}-same"));
    // Not pipes, which differ from start to start.
    let standard = [0, 1, 2].map(|number| {
        File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(directory.path().join(number.to_string()))
            .expect("a file")
    });
    let file = directory.path().join("report");
    let report = |rinit: Rinit| {
        let [stdin, stdout, stderr] = standard
            .each_ref()
            .map(|file| file.try_clone().expect("another descriptor"));
        let rinit = prepare(rinit.stdin(stdin).stdout(stdout).stderr(stderr));
        let ended = rinit
            .arg("report")
            .arg(&file)
            .words("exit 42")
            .arg("")
            .arg("--version")
            .arg(OsString::from_vec(vec![0xff, 0xfe]))
            .run();
        assert_eq!(ended.status, 42);
        let report = fs::read_to_string(&file).expect("a report");
        fs::remove_file(&file).expect("it was there");
        report
    };
    let without = report(Rinit::program(role, &fixture()));
    let with = report(Rinit::new(role).arg("--").arg(fixture()));
    assert_eq!(with, without, "with rinit, and without");
    let said = standard
        .each_ref()
        .map(|file| file.metadata().expect("a file").len());
    assert_eq!(said, [0; 3], "a clean run prints nothing");
    with
}

/// Before exec: closes the standard descriptors whose bits are not set.
fn close_all_but(open: u8) -> io::Result<()> {
    for descriptor in (0..3).filter(|descriptor| open & (1 << descriptor) == 0) {
        nix::unistd::close(descriptor)?;
    }
    Ok(())
}

/// A child that Ctrl-Z stopped before its exec would hold rinit up, deaf, in its vfork.
#[test]
fn under_the_mask_of_the_command_nothing_happens_but_its_exec() {
    if !strace::is_there() {
        return;
    }
    let strace = find_program("strace").expect("strace");
    let directory = Directory::new("one-exec");
    let [refused, log] = ["refused", "log"].map(|name| directory.path().join(name));
    // A directory by the name of the command, which exec alone refuses.
    fs::create_dir_all(refused.join("fixture")).expect("a directory");
    let nowhere = (0..500).map(|number| format!("/nowhere/{number}"));
    let there =
        [&refused, fixture().parent().expect("a directory")].map(|path| path.display().to_string());
    let path: Vec<String> = nowhere.chain(there).collect();
    let status = Command::new(strace)
        .args(["-f", "-b", "execve", "-o"])
        .arg(&log)
        .args([
            binary().as_os_str(),
            "--".as_ref(),
            "fixture".as_ref(),
            "exit".as_ref(),
            "42".as_ref(),
        ])
        .env("PATH", path.join(":"))
        // A terminal would be handed over.
        .stdin(Stdio::null())
        .status()
        .expect("strace");
    assert_eq!(status.code(), Some(42));
    let log = fs::read_to_string(log).expect("strace's log");
    let rinit = log.split(' ').next().expect("a pid");
    let of_child = log.lines().filter(|line| !line.starts_with(rinit));
    let calls: Vec<&str> = of_child
        .filter_map(|line| line.split_once(' ')?.1.trim_start().split_once('('))
        .map(|(name, _)| name)
        .collect();
    let [mask, exec] = ["rt_sigprocmask", "execve"];
    assert_eq!(calls, ["setpgid", mask, exec, mask, mask, exec], "{log}");
}
