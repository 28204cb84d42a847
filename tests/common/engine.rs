//! Containers under a real Docker engine, driven by its client `docker`.

use std::ffi::OsStr;
use std::fs::File;
use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use nix::unistd::Uid;

use super::output::Output;
use super::rinit::pid_of;
use super::{Directory, Ended, Place, Terminal, binary, fixture, signal, skip, wait_until};

/// An image of a test's own, removed when the last of its containers is.
pub struct Image {
    name: String,
}

impl Image {
    /// Built FROM scratch of two files: the binary under test, and the fixture as its command. Shared by the tests
    /// of a process.
    pub fn scratch() -> Option<Arc<Image>> {
        static SHARED: Mutex<Weak<Image>> = Mutex::new(Weak::new());
        if !is_running() {
            return None;
        }
        let mut shared = SHARED
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let image = shared.upgrade().unwrap_or_else(|| {
            let context = Directory::new("scratch-image");
            for (file, name) in [(binary(), "rinit"), (fixture(), "fixture")] {
                context.copy(&file, name);
            }
            context.executable(
                "Dockerfile",
                "FROM scratch\n\
                 COPY rinit /sbin/rinit\n\
                 COPY fixture /fixture\n\
                 ENTRYPOINT [\"/sbin/rinit\", \"--\", \"/fixture\"]\n",
            );
            // Cached, it could be removed by another process in the middle of this one's build.
            Image::build(&["--no-cache"], context.path())
        });
        *shared = Arc::downgrade(&image);
        Some(image)
    }

    pub fn build(options: &[&str], context: &Path) -> Arc<Image> {
        let name = unique_name();
        let context = context.to_str().expect("a path in UTF-8");
        docker(
            &[
                &["build", "--quiet", "--force-rm", "--tag", &name],
                options,
                &[context],
            ]
            .concat(),
        );
        Arc::new(Image { name })
    }

    /// A container that runs these words, attached to its output.
    pub fn start(self: &Arc<Image>, options: &[&str], words: &str) -> Container {
        self.start_words(options, &words.split_whitespace().collect::<Vec<_>>())
    }

    /// Words may hold blanks.
    pub fn start_words(self: &Arc<Image>, options: &[&str], words: &[&str]) -> Container {
        let name = Name::new(self);
        let mut client = client()
            .args(["run", "--name", &name.name])
            .args(options)
            .arg(&self.name)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the docker client");
        Container {
            name,
            stdout: Output::of("standard output", client.stdout.take()),
            stderr: Output::of("standard error", client.stderr.take()),
            client,
        }
    }

    /// A container that runs these words on the terminal of a user, who ends with the container's status.
    pub fn start_on_terminal(self: &Arc<Image>, words: &str) -> (Terminal, Name) {
        let name = Name::new(self);
        // A user's environment, which tells the client where the engine is, does not come along.
        let host = docker(&[
            "context",
            "inspect",
            "--format",
            "{{.Endpoints.docker.Host}}",
        ]);
        let run = format!(
            "exec docker --host {host} run -it --name {} {} {words}",
            name.name, self.name
        );
        (Terminal::run(Place::Pid1, &run), name)
    }

    /// The files with something in them. The engine adds empty ones to a container, to mount its own over them.
    pub fn files(&self) -> Vec<String> {
        let container = docker(&["create", &self.name]);
        let listing = Command::new("sh")
            .args(["-c", "docker export $0 | tar --list --verbose", &container])
            .output()
            .expect("a shell");
        remove(&["rm", &container]);
        let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
        let mut files: Vec<String> = listing
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|columns| columns[0].starts_with('-') && columns[2] != "0")
            .map(|columns| columns[5].to_owned())
            .collect();
        files.sort_unstable();
        files
    }

    /// Runs these words to their end.
    pub fn run(self: &Arc<Image>, options: &[&str], words: &str) -> Ended {
        self.start(options, words).end()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        remove(&["rmi", "--force", &self.name]);
    }
}

/// What a container is known by. Dropped, it takes the container and its processes along.
pub struct Name {
    name: String,
    _image: Arc<Image>,
}

impl Name {
    fn new(image: &Arc<Image>) -> Name {
        Name {
            name: unique_name(),
            _image: Arc::clone(image),
        }
    }

    /// Any subcommand of the client that acts on a container. Gives what it says.
    pub fn docker(&self, command: &str, options: &[&str]) -> String {
        docker(&[&[command], options, &[&self.name]].concat())
    }

    pub fn exec(&self, words: &str) -> String {
        self.exec_words(&[], &words.split_whitespace().collect::<Vec<_>>())
    }

    /// Words may hold blanks.
    pub fn exec_words(&self, options: &[&str], words: &[&str]) -> String {
        docker(&[&["exec"], options, &[&self.name], words].concat())
    }

    /// Waits until commands can be run in it.
    pub fn wait_until_it_runs(&self) {
        let filter = format!("name=^{}$", self.name);
        wait_until("the container runs", || {
            !docker(&["ps", "--quiet", "--filter", &filter]).is_empty()
        });
    }

    /// The files of a directory in it, running or not, as an archive that is not compressed.
    pub fn archive(&self, directory: &str) -> String {
        docker(&["cp", &format!("{}:{directory}", self.name), "-"])
    }

    /// The pid of its first process, as seen from here.
    pub fn pid(&self) -> i32 {
        let pid = self.docker("inspect", &["--format", "{{.State.Pid}}"]);
        pid.parse().expect("a pid")
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        remove(&["rm", "--force", "--volumes", &self.name]);
    }
}

/// A container and what it writes.
pub struct Container {
    pub stdout: Output,
    pub stderr: Output,
    /// `docker run`, which ends with the container's status.
    client: Child,
    name: Name,
}

impl Deref for Container {
    type Target = Name;

    fn deref(&self) -> &Name {
        &self.name
    }
}

impl Container {
    /// Waits for a line with this text on standard output.
    pub fn says(&self, text: &str) -> String {
        self.stdout.line(text)
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        Ended::of(&mut self.client, &self.stdout, &self.stderr)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

/// Which engine the client of this process talks to, if not the machine's own.
static HOST: OnceLock<String> = OnceLock::new();

fn client() -> Command {
    let mut client = Command::new("docker");
    if let Some(host) = HOST.get() {
        client.env("DOCKER_HOST", host);
    }
    client
}

/// An engine of the test process's own, for all of it from here on, to be set up differently from the machine's.
/// It has no network. Ended when dropped.
pub struct Engine {
    daemon: Child,
    // Removed after the daemon's end.
    _directory: Directory,
}

impl Engine {
    /// `docker run --init` runs `init`.
    pub fn with_init(init: &Path) -> Option<Engine> {
        if !Uid::effective().is_root() {
            skip("only root may start an engine");
            return None;
        }
        let directory = Directory::new("engine");
        let file = |name: &str| directory.path().join(name).into_os_string();
        let log = File::create(file("log")).expect("a log");
        std::fs::write(file("configuration"), "{}").expect("an empty configuration");
        let host = format!("unix://{}", directory.path().join("socket").display());
        // In a network of its own: a daemon that is told to have no bridge removes the machine's.
        let daemon = Command::new("unshare")
            .args(["--net", "dockerd"])
            .args([
                "--host",
                &host,
                "--bridge",
                "none",
                "--iptables=false",
                "--ip6tables=false",
            ])
            // Works everywhere, and there is little to copy.
            .args(["--storage-driver", "vfs"])
            .args([OsStr::new("--init-path"), init.as_os_str()])
            .args([OsStr::new("--config-file"), &file("configuration")])
            .args([OsStr::new("--pidfile"), &file("pid")])
            .args([OsStr::new("--data-root"), &file("data")])
            .args([OsStr::new("--exec-root"), &file("run")])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the docker daemon");
        HOST.set(host).expect("one engine for a process");
        let engine = Engine {
            daemon,
            _directory: directory,
        };
        wait_until("the engine answers", || {
            client()
                .arg("info")
                .output()
                .is_ok_and(|output| output.status.success())
        });
        Some(engine)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The daemon ends what it started itself, given the chance.
        let _ = signal::send(pid_of(&self.daemon), libc::SIGTERM);
        let _ = self.daemon.wait();
    }
}

/// Where there is no engine, the test is skipped.
pub fn is_running() -> bool {
    let running = client()
        .arg("info")
        .output()
        .is_ok_and(|output| output.status.success());
    if !running {
        skip("no docker engine answers");
    }
    running
}

/// A Debian to build on, made by .ci/base-image where it cannot be pulled. Where it is not to be had, the test is skipped.
pub fn debian() -> Option<&'static str> {
    let image = "debian:bookworm-slim";
    if !is_running() {
        return None;
    }
    let is_there = ["image inspect", "pull"].iter().any(|command| {
        client()
            .args(command.split(' '))
            .arg(image)
            .output()
            .is_ok_and(|output| output.status.success())
    });
    if !is_there {
        skip("there is no base image: .ci/base-image makes it");
    }
    is_there.then_some(image)
}

/// What the client says on standard output. It must succeed.
pub fn docker(words: &[&str]) -> String {
    let output = client()
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("the docker client");
    assert!(
        output.status.success(),
        "docker {words:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

/// Cleans up, whatever the test came to.
fn remove(words: &[&str]) {
    let _ = client().args(words).output();
}

fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("rinit-test-{}-{count}", std::process::id())
}
