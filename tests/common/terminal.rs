//! A pseudo-terminal: keys are pressed, the screen is watched.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, Winsize, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgid, tcgetpgrp};

use super::{Rinit, Role, Running, binary, fixture, limit, proc, wait_for, wait_until};

pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_Z: &str = "\x1a";

/// An interactive shell with job control that leaves the terminal's settings alone.
pub const SHELL: &str = "bash --norc --noprofile --noediting -i";

const PROMPT: &str = "shell> ";

pub struct Terminal {
    master: File,
    /// What came up and was not expected yet.
    screen: String,
    /// All that came up, for a test that fails.
    history: String,
    pub running: Running,
}

impl Terminal {
    /// A shell runs `line` as the leader of a session that has the terminal.
    pub fn run(role: Role, line: &str) -> Terminal {
        let (master, terminal) = open();
        let another = || terminal.try_clone().expect("a descriptor");
        let fixtures = fixture().parent().expect("a directory").to_owned();
        let running = Rinit::program(role, "/bin/sh".as_ref())
            .arg("-c")
            .arg(line)
            .env(
                "PATH",
                format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", fixtures.display()),
            )
            .env("RINIT", binary())
            .env("PS1", PROMPT)
            .stdin(another())
            .stdout(another())
            .stderr(another())
            .before_exec(|| {
                // SAFETY: the request takes a number.
                match unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0) } {
                    0 => Ok(()),
                    _ => Err(io::Error::last_os_error()),
                }
            })
            .start();
        Terminal {
            master,
            screen: String::new(),
            history: String::new(),
            running,
        }
    }

    pub fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("a terminal");
    }

    pub fn enter(&mut self, line: &str) {
        self.press(&format!("{line}\n"));
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        // SAFETY: the request reads a window's size.
        let result =
            unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(result, 0, "a terminal to resize");
    }

    /// Takes the terminal away from those who have it.
    pub fn hang_up(self) -> Running {
        self.running
    }

    /// Waits for the end of the session, and gives its exit status.
    pub fn end(mut self) -> i32 {
        let limit = Instant::now() + limit();
        while !self.read(limit).is_empty() {}
        self.running.end().status
    }

    /// Waits until `text` comes up, after what was expected before. Gives what came in between.
    pub fn expect(&mut self, text: &str) -> String {
        let (before, after) = self.find(text, |screen| {
            screen
                .split_once(text)
                .map(|(before, after)| (before.to_owned(), after.to_owned()))
        });
        self.screen = after;
        before
    }

    /// Waits for the shell's next prompt. Gives what came up before it.
    pub fn prompt(&mut self) -> String {
        self.expect(PROMPT)
    }

    /// Waits until the shell calls its job so. One that it believes running `fg` would not continue.
    pub fn wait_until_job_is(&mut self, state: &str) {
        wait_until(&format!("the shell says {state:?}"), || {
            self.enter("jobs");
            self.prompt().contains(state)
        });
    }

    /// Waits for a line that begins so, wherever it comes up on the screen, and gives the rest of it.
    pub fn line(&mut self, beginning: &str) -> String {
        let (line, rest) = self.find(beginning, |screen| {
            let start = screen.find(beginning)?;
            let end = start + screen[start..].find('\n')?;
            let rest = screen[start + beginning.len()..end].trim_end();
            Some((start..=end, rest.to_owned()))
        });
        self.screen.replace_range(line, "");
        rest
    }

    /// Waits until a fixture's `NAME` is ready, and gives its pid here.
    pub fn ready(&mut self, name: &str) -> i32 {
        let pid = self.line(&format!("ready {name} "));
        self.running.outer_pid(pid.parse().expect("a pid"))
    }

    /// Waits for a process with these words, and gives its pid here.
    pub fn process(&self, words: &str) -> i32 {
        let child = self.running.outside.id().try_into().expect("a pid");
        wait_for(&format!("there is {words:?}"), || {
            proc::descendants(child)
                .into_iter()
                .find(|&pid| proc::command_line(pid).is_some_and(|line| line == words))
        })
    }

    /// Waits until that process's group has the terminal.
    pub fn wait_until_held_by(&self, process: i32) {
        wait_until(&format!("{process} holds the terminal"), || {
            self.is_held_by(process)
        });
    }

    pub fn is_held_by(&self, process: i32) -> bool {
        let group = getpgid(Some(Pid::from_raw(process))).expect("a living process");
        tcgetpgrp(&self.master) == Ok(group)
    }

    /// Waits until `find` finds something on the screen.
    fn find<T>(&mut self, what: &str, mut find: impl FnMut(&str) -> Option<T>) -> T {
        let limit = Instant::now() + limit();
        loop {
            if let Some(found) = find(&self.screen) {
                return found;
            }
            let text = self.read(limit);
            assert!(
                !text.is_empty(),
                "{what:?} did not come up after\n{}",
                self.history
            );
            self.screen += &text;
            self.history += &text;
        }
    }

    /// What comes up next; nothing once time is up or no process has the terminal open any more.
    fn read(&mut self, limit: Instant) -> String {
        let left = limit.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return String::new();
        }
        let left = PollTimeout::try_from(left).expect("a short time");
        let mut screen = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        let mut text = [0; 4096];
        let mut length = 0;
        if poll(&mut screen, left).expect("a terminal to watch") > 0 {
            length = self.master.read(&mut text).unwrap_or(0);
        }
        String::from_utf8_lossy(&text[..length]).into_owned()
    }
}

/// Its two ends. What is typed is not echoed, so that only what programs write comes up.
pub fn open() -> (File, File) {
    // openpty(3) would leave it open in whatever another test starts meanwhile.
    let master =
        posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a terminal");
    grantpt(&master).expect("a terminal of our own");
    unlockpt(&master).expect("a terminal that opens");
    let mut settings = tcgetattr(&master).expect("a terminal with settings");
    settings.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&master, SetArg::TCSANOW, &settings).expect("a terminal to set up");
    let terminal = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOCTTY)
        .open(ptsname_r(&master).expect("a terminal with a name"))
        .expect("a terminal");
    (File::from(OwnedFd::from(master)), terminal)
}
