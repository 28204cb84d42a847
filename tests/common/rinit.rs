//! rinit, started and watched.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use super::output::{Output, assert_order, got};
use super::role::Entry;
use super::seccomp::refuse;
use super::{Role, binary, fixture, proc, signal, wait_for, wait_until};

/// rinit and its command line, not yet started.
pub struct Rinit {
    role: Role,
    command: Command,
    hooks: Vec<Hook>,
}

type Hook = Box<dyn FnMut() -> io::Result<()> + Send + Sync>;

impl Rinit {
    pub fn new(role: Role) -> Rinit {
        Rinit::program(role, &binary())
    }

    /// Any other program in the same place, to compare with, or to run rinit itself.
    pub fn program(role: Role, program: &Path) -> Rinit {
        let mut command = Command::new(program);
        command.env_clear().env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Rinit {
            role,
            command,
            hooks: Vec::new(),
        }
    }

    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Rinit {
        self.command.arg(word);
        self
    }

    /// Its argv[0].
    pub fn called(mut self, name: &str) -> Rinit {
        self.command.arg0(name);
        self
    }

    /// Arguments, separated by blanks.
    pub fn words(mut self, words: &str) -> Rinit {
        self.command.args(words.split_whitespace());
        self
    }

    /// The fixture as COMMAND, with its words (see tests/fixture/main.rs), separated by blanks.
    pub fn fixture(self, words: &str) -> Rinit {
        let first = match Reaping::forced() {
            // Dead when it becomes one: no signal that the test sends could change its status.
            Some(Reaping::Kernel) => "orphans 1",
            _ => "",
        };
        self.arg("--").arg(fixture()).words(first).words(words)
    }

    /// A shell script as COMMAND, in which `$fixture` is that program.
    pub fn script(self, script: &str) -> Rinit {
        self.env("fixture", fixture())
            .words("-- /bin/sh -c")
            .arg(script)
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Rinit {
        self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Rinit {
        self.command.env_remove(name);
        self
    }

    pub fn directory(mut self, path: impl AsRef<Path>) -> Rinit {
        self.command.current_dir(path);
        self
    }

    pub fn stdin(mut self, stdio: impl Into<Stdio>) -> Rinit {
        self.command.stdin(stdio);
        self
    }

    pub fn stdout(mut self, stdio: impl Into<Stdio>) -> Rinit {
        self.command.stdout(stdio);
        self
    }

    pub fn stderr(mut self, stdio: impl Into<Stdio>) -> Rinit {
        self.command.stderr(stdio);
        self
    }

    /// Something to do in the process that is about to become rinit: system calls only, no allocation.
    pub fn before_exec(
        mut self,
        hook: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
    ) -> Rinit {
        self.hooks.push(Box::new(hook));
        self
    }

    /// Starts it. The calling thread must live as long as what it starts: the kernel ends them together.
    pub fn start(self) -> Running {
        self.try_start()
            .unwrap_or_else(|error| panic!("cannot start: {error}"))
    }

    pub fn try_start(mut self) -> io::Result<Running> {
        if let Some(Reaping::Wait) = Reaping::forced() {
            self = self.before_exec(|| refuse(&[libc::SYS_pidfd_open], libc::ENOSYS));
        }
        let entry = Entry::new(self.role);
        let mut hooks = self.hooks;
        // SAFETY: the entry and the hooks keep to system calls.
        unsafe {
            self.command.pre_exec(move || {
                signal::forget_inherited()?;
                close_inherited();
                entry.enter()?;
                hooks.iter_mut().try_for_each(|hook| hook())
            });
        }
        // Returns once rinit is executed, since its exec closes the pipe that spawn waits for.
        let mut outside = self.command.spawn()?;
        // Its words hold the descriptors that were handed over.
        drop(self.command);
        let first = |pid| proc::children(pid).first().copied().unwrap_or(0);
        let namespace = first(pid_of(&outside));
        let pid = match self.role {
            Role::Pid1 => namespace,
            Role::Subreaper => first(namespace),
        };
        Ok(Running {
            pid,
            namespace,
            stdin: outside.stdin.take(),
            stdout: Output::of("standard output", outside.stdout.take()),
            stderr: Output::of("standard error", outside.stderr.take()),
            outside,
        })
    }

    /// Starts it and waits for its end.
    pub fn run(self) -> Ended {
        let mut running = self.start();
        drop(running.stdin.take());
        running.end()
    }

    /// Asks a program behind a shell to stop, and expects it to be asked once and to finish. With
    /// something behind it, the shell cannot become the program.
    pub fn stop_behind_a_shell(self) {
        let rinit = self
            .script(r#""$fixture" linger app TERM 1500 say app-is-done exit 0; echo shell went on"#)
            .start();
        rinit.ready_before_now("app");
        rinit.send(libc::SIGTERM);
        let ended = rinit.end();
        assert_eq!(ended.status, 143, "{ended:?}");
        assert_eq!(got(&ended.stdout, "app", "TERM"), 1, "{ended:?}");
        assert_order(&ended.stdout, &["app got TERM ", "app-is-done"]);
        assert!(!ended.stdout.contains("shell went on"), "{ended:?}");
    }

    /// Starts it, and returns whether a signal reaches a child of the command as well.
    pub fn reaches_children(self) -> bool {
        let rinit = self.fixture("fork record child , record command").start();
        rinit.ready("command");
        let child = rinit.ready("child");
        rinit.send(libc::SIGUSR1);
        rinit.says("command got USR1 ");
        signal::send(child, 64).expect("the child takes a signal");
        rinit.says("child got RTMIN+30 ");
        rinit.stdout.text().contains("child got USR1 ")
    }
}

/// Who reaps for rinit as PID 1, where RINIT_TEST_REAPING says so.
enum Reaping {
    /// `kernel`, where it can: from the command's first moments on.
    Kernel,
    /// `wait`: rinit, as on a kernel before Linux 6.15.
    Wait,
}

/// Whether RINIT_TEST_REAPING says who reaps.
pub fn reaping_is_forced() -> bool {
    Reaping::forced().is_some()
}

impl Reaping {
    fn forced() -> Option<Reaping> {
        match std::env::var("RINIT_TEST_REAPING").ok()?.as_str() {
            "kernel" => Some(Reaping::Kernel),
            "wait" => Some(Reaping::Wait),
            other => panic!("RINIT_TEST_REAPING is kernel or wait, not {other:?}"),
        }
    }
}

/// A started rinit. Dropped, it is killed, with everything in its namespace.
pub struct Running {
    /// rinit's pid as seen from here, 0 if it was gone at once.
    pub pid: i32,
    /// The first process of the namespace.
    namespace: i32,
    /// The process outside that waits for the namespace and ends as rinit did: rinit's parent, as PID 1.
    pub outside: Child,
    pub stdin: Option<ChildStdin>,
    pub stdout: Output,
    pub stderr: Output,
}

/// How it went.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Running {
    /// Waits for a line with this text on standard output.
    pub fn says(&self, text: &str) -> String {
        self.stdout.line(text)
    }

    /// Waits for a line with this text on standard error.
    pub fn complains(&self, text: &str) -> String {
        self.stderr.line(text)
    }

    pub fn send(&self, number: i32) {
        assert!(self.pid > 0, "rinit was gone at once");
        signal::send(self.pid, number).expect("rinit takes a signal");
    }

    pub fn queue(&self, number: i32, value: usize) {
        assert!(self.pid > 0, "rinit was gone at once");
        signal::queue(self.pid, number, value).expect("rinit takes a queued signal");
    }

    /// Waits until no signal is left that rinit has not seen.
    pub fn wait_until_taken(&self) {
        wait_until("rinit has taken the signals", || {
            proc::signals(self.pid, "ShdPnd") == Some(0)
        });
    }

    pub fn wait_until_only_command_is_left(&self) {
        wait_until("only the command is left", || {
            proc::children(self.pid).len() == 1
        });
    }

    /// The pid here of a process that has this one in its own namespace, the innermost one if there are several.
    pub fn outer_pid(&self, inner: i32) -> i32 {
        wait_for(&format!("a process {inner} is there"), || {
            proc::descendants(pid_of(&self.outside))
                .into_iter()
                .rfind(|&pid| proc::inner_pid(pid) == Some(inner))
        })
    }

    /// Waits until a fixture's `NAME` is ready, and gives its pid here.
    pub fn ready(&self, name: &str) -> i32 {
        let line = self.says(&format!("ready {name} "));
        self.outer_pid(
            line.split_whitespace()
                .nth(2)
                .and_then(|pid| pid.parse().ok())
                .expect("ready NAME PID"),
        )
    }

    /// The same, and a tick of the clock later: what rinit forwards from now on counts as later than its birth.
    pub fn ready_before_now(&self, name: &str) -> i32 {
        let pid = self.ready(name);
        proc::wait_until_older_than_a_tick(pid);
        pid
    }

    /// Writes to the command's standard input.
    pub fn tell(&mut self, text: &str) {
        self.stdin
            .as_mut()
            .expect("an open standard input")
            .write_all(text.as_bytes())
            .expect("somebody reads");
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        Ended::of(&mut self.outside, &self.stdout, &self.stderr)
    }
}

impl Ended {
    /// Waits for the end of a child and for that of its output.
    pub fn of(child: &mut Child, stdout: &Output, stderr: &Output) -> Ended {
        let status = wait_for("it ends", || child.try_wait().expect("a child of ours"));
        stdout.wait_for_end();
        stderr.wait_for_end();
        Ended {
            status: status.code().expect("an exit"),
            stdout: stdout.text(),
            stderr: stderr.text(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "standard output:\n{}\nstandard error:\n{}",
                self.stdout.text(),
                self.stderr.text()
            );
        }
        // Ended by itself, it ended after all the others.
        if self
            .outside
            .try_wait()
            .is_ok_and(|end| end.is_some_and(|status| status.code().is_some()))
        {
            return;
        }
        // 0 when it was gone at once, and kill(0) reaches the tests themselves.
        if self.namespace > 0 {
            let _ = signal::send(self.namespace, libc::SIGKILL);
        }
        let _ = self.outside.kill();
        let _ = self.outside.wait();
    }
}

/// Whatever the tests were started with, only the standard descriptors are handed on. The one by which std
/// hears of a failed exec stays open until then.
fn close_inherited() {
    // SAFETY: a system call on numbers.
    unsafe {
        libc::syscall(
            libc::SYS_close_range,
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
}

pub fn pid_of(child: &Child) -> i32 {
    child.id().try_into().expect("a pid")
}
