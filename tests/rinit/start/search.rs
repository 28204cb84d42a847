//! Where COMMAND is found, and what a start does without.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource, setrlimit};

use crate::common::before_exec::hide;
use crate::common::{
    Directory, Rinit, as_pid1_and_subreaper, binary, find_program, fixture, proc, signal, strace,
    wait_until,
};

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
                .fixture("orphan sleep left , await command USR1 say told until-eof exit 42")
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
