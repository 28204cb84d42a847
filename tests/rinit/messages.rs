//! What rinit says, to whom it is too much, and that nothing about it ends or holds up rinit.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use crate::common::{
    Directory, Rinit, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, proc, signal,
    wait_until,
};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};

#[test]
fn each_verbose_logs_one_thing_more() {
    let by = |words: &'static str, variables: &'static [(&'static str, &'static str)], level| {
        (words, variables, level)
    };
    let cases = [
        by("", &[], 0),
        by("-v", &[], 1),
        by("-vv", &[], 2),
        by("-v --verbose -v", &[], 3),
        by("-vvvvv", &[], 3),
        by("-q", &[], 0),
        by("-v -q", &[], 0),
        by("-q -v", &[], 1),
        by("-q", &[("RINIT_VERBOSE", "3")], 0),
        by("-v", &[("RINIT_VERBOSE", "3")], 1),
        by("-vv", &[("RINIT_QUIET", "1")], 2),
        by("", &[("RINIT_VERBOSE", "0"), ("DUMB_INIT_DEBUG", "1")], 0),
        by("", &[("RINIT_VERBOSE", "1"), ("TINI_VERBOSITY", "4")], 1),
        by("", &[("RINIT_VERBOSE", "2")], 2),
        by("", &[("RINIT_VERBOSE", "3")], 3),
        by("", &[("RINIT_VERBOSE", "9")], 3),
        by("", &[("RINIT_VERBOSE", ""), ("TINI_VERBOSITY", "2")], 1),
        by("", &[("TINI_VERBOSITY", "0")], 0),
        by("", &[("TINI_VERBOSITY", "1")], 0),
        by("", &[("TINI_VERBOSITY", "3")], 2),
        by("", &[("TINI_VERBOSITY", "4")], 3),
        by("", &[("DUMB_INIT_DEBUG", "1")], 2),
        by("", &[("DUMB_INIT_DEBUG", "0")], 0),
    ];
    as_pid1_and_subreaper(|role| {
        for (words, variables, level) in cases {
            let rinit = variables
                .iter()
                .fold(Rinit::new(role).words(words), |rinit, (name, value)| {
                    rinit.env(name, value)
                })
                .fixture("orphan await left USR1 exit 3 , await command USR2 exit 4")
                .start();
            let command = rinit.ready("command");
            let left = rinit.ready("left");
            let [command, inner] =
                [command, left].map(|pid| proc::inner_pid(pid).expect("it lives"));
            signal::send(left, libc::SIGUSR1).expect("it lives");
            wait_until("it is reaped", || proc::children(rinit.pid).len() == 1);
            rinit.send(libc::SIGUSR2);
            let ended = rinit.end();
            let said = ended.stderr;
            assert_eq!(ended.status, 4);
            let case = format!("{words} {variables:?} said:\n{said}");
            let tells = |words: &[&str]| {
                said.lines()
                    .any(|line| words.iter().all(|word| line.contains(word)))
            };
            let told = [
                tells(&[&format!("(pid {command}) exited with status 4")]),
                tells(&["SIGUSR2", "from outside the container"]),
                tells(&[&format!(
                    "reaped pid {inner} (fixture): exited with status 3"
                )]),
            ];
            assert_eq!(told, [level > 0, level > 1, level > 2], "{case}");
            assert_eq!(said.is_empty(), level == 0, "{case}");
            assert!(
                said.lines().all(|line| line.starts_with("rinit: ")),
                "{case}"
            );
        }
    });
}

#[test]
fn the_sender_of_a_signal_is_named() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-vv")
            .fixture("ignore USR1 raise USR1 sleep command")
            .start();
        let command = proc::inner_pid(rinit.ready("command")).expect("it lives");
        let line = rinit.complains("SIGUSR1");
        assert!(
            line.contains(&format!("from pid {command} (fixture)")),
            "{line}"
        );
        rinit.send(libc::SIGWINCH);
        let line = rinit.complains("SIGWINCH");
        assert!(line.contains("from outside the container"), "{line}");
    });
}

#[test]
fn every_signal_has_a_name() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-vv")
            .fixture("record command")
            .start();
        rinit.ready("command");
        for (number, name) in [
            (1, "SIGHUP"),
            (32, "SIG32"),
            (34, "SIGRTMIN "),
            (37, "SIGRTMIN+3"),
        ] {
            rinit.send(number);
            rinit.complains(name);
        }
    });
}

#[test]
fn a_rewritten_signal_is_logged_with_both_names() {
    as_pid1_and_subreaper(|role| {
        let rinit = Rinit::new(role)
            .words("-vv -r TERM:INT -r HUP:0")
            .fixture("record command")
            .start();
        rinit.ready("command");
        rinit.send(libc::SIGTERM);
        let line = rinit.complains("SIGTERM");
        assert!(line.contains("SIGINT"), "{line}");
        rinit.send(libc::SIGHUP);
        let line = rinit.complains("SIGHUP");
        assert!(line.contains("dropped"), "{line}");
    });
}

#[test]
fn quiet_says_nothing_but_rinits_own_errors() {
    as_pid1_and_subreaper(|role| {
        let dies = |words: &str| Rinit::new(role).words(words).fixture("die KILL").run();
        let loud = dies("");
        assert!(loud.stderr.starts_with("rinit: "), "{}", loud.stderr);
        let quiet = dies("-q");
        assert_eq!((quiet.status, quiet.stderr.as_str()), (128 + 9, ""));
        assert!(
            Rinit::new(role)
                .words("-q /nowhere/command")
                .run()
                .stderr
                .starts_with("rinit: ")
        );
        assert!(
            Rinit::new(role)
                .words("-q --nonsense")
                .run()
                .stderr
                .starts_with("rinit: ")
        );
    });
}

#[test]
fn what_would_move_the_readers_terminal_is_escaped() {
    as_pid1_and_subreaper(|role| {
        let odd = OsString::from_vec(b"/nowhere/\x1b[2J\n\x07\xff".to_vec());
        let ended = Rinit::new(role).arg(odd).run();
        assert_eq!(ended.status, 127);
        let first = ended.stderr.lines().next().expect("a line");
        assert!(first.contains(r"/nowhere/\x1b[2J\x0a\x07\xff"), "{first}");
        assert!(
            !ended.stderr.contains(['\x1b', '\x07']),
            "{:?}",
            ended.stderr
        );
    });
}

#[test]
fn the_name_of_a_hostile_process_is_escaped_wherever_it_is_logged() {
    // What would clear the screen, end the line and be no text.
    let (hex, shown) = ("1b5b324a0aff", r"(\x1b[2J\x0a\xff)");
    as_pid1_and_subreaper_at_once(|role| {
        let words = "ignore USR1 orphan call NAME exit 3 , fork call NAME ignore TERM sleep left , \
                     call NAME raise USR1 until-eof exit 0";
        let mut rinit = Rinit::new(role)
            .words("-vvw -t 1.2")
            .fixture(&words.replace("NAME", hex))
            .start();
        rinit.says("ready left");
        for what in ["reaped pid ", "SIGUSR1 from pid "] {
            let line = rinit.complains(what);
            assert!(line.contains(shown), "{line}");
        }
        drop(rinit.stdin.take());
        let said = rinit.end().stderr;
        let quoted = shown.replace(['(', ')'], "\"");
        for what in ["waiting for ", "killing with SIGKILL "] {
            let line = said.lines().find(|line| line.contains(what));
            assert!(line.is_some_and(|line| line.contains(&quoted)), "{said}");
        }
        let is_plain = |line: &str| {
            (line.starts_with("rinit: ") || line.starts_with("       "))
                && !line.contains(char::is_control)
        };
        assert!(said.lines().all(is_plain), "{said:?}");
    });
}

#[test]
fn no_standard_error_ends_or_holds_up_rinit() {
    as_pid1_and_subreaper(|role| {
        let (reader, writer) = full_pipe();
        for (what, rinit) in [
            (
                "closed",
                Rinit::new(role).before_exec(|| Ok(nix::unistd::close(2)?)),
            ),
            ("without a reader", Rinit::new(role).stderr(pipe().1)),
            ("a full disk", Rinit::new(role).stderr(open("/dev/full"))),
            (
                "a full pipe",
                Rinit::new(role).stderr(writer.try_clone().expect("another descriptor")),
            ),
            (
                "for reading only",
                Rinit::new(role).stderr(File::open("/dev/null").expect("a device")),
            ),
        ] {
            let rinit = rinit
                .words("-vvvw")
                .fixture("orphan exit 3 , await command USR1 exit 42")
                .start();
            rinit.ready("command");
            for number in [libc::SIGHUP, libc::SIGUSR2, 40, libc::SIGUSR1] {
                rinit.send(number);
            }
            assert_eq!(rinit.end().status, 42, "standard error: {what}");
        }
        let flags = fcntl(&writer, FcntlArg::F_GETFL).expect("its flags");
        assert!(
            !OFlag::from_bits_retain(flags).contains(OFlag::O_NONBLOCK),
            "others write to that pipe, too"
        );
        drop(reader);
    });
}

#[test]
fn a_limit_of_the_file_size_ends_nothing() {
    as_pid1_and_subreaper(|role| {
        let directory = Directory::new(&format!("size-{role:?}"));
        let file = File::create(directory.path().join("log")).expect("a file");
        let rinit = Rinit::new(role)
            .words("-vvv")
            .stderr(file)
            .before_exec(|| Ok(setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?))
            .fixture("record command")
            .start();
        let command = rinit.ready("command");
        for number in [libc::SIGUSR1, libc::SIGHUP, 64] {
            rinit.send(number);
            rinit.says(&format!("command got {} ", signal::name(number)));
        }
        assert!(
            !rinit.stdout.text().contains("got XFSZ "),
            "SIGXFSZ was rinit's own doing"
        );
        signal::send(command, libc::SIGKILL).expect("it lives");
        assert_eq!(rinit.end().status, 128 + libc::SIGKILL);
    });
}

fn pipe() -> (OwnedFd, OwnedFd) {
    nix::unistd::pipe2(OFlag::O_CLOEXEC).expect("a pipe")
}

fn open(path: &str) -> File {
    File::options().write(true).open(path).expect("a device")
}

/// A pipe that takes nothing more, and waits.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = pipe();
    fill(writer.as_fd()).expect("a full pipe");
    (reader, writer)
}

fn fill(writer: impl AsFd) -> io::Result<()> {
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let mut file = File::from(writer.as_fd().try_clone_to_owned()?);
    while file.write(&[0; 4096]).is_ok() {}
    while file.write(&[0]).is_ok() {}
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(())
}
