//! Containers under a real engine, driven by its client: `docker`, or `podman`, which takes the same words.

mod client;
mod daemon;

use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use super::output::Output;
use super::{Directory, Ended, Role, Terminal, binary, fixture, wait_until};
pub use client::{Client, DOCKER, ask, debian, docker, is_running, logs, run, run_by, use_client};
use client::{client, remove};
pub use daemon::Engine;

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
            // Cached, it could be removed by another process in the middle of this one's build.
            let entrypoint = r#"ENTRYPOINT ["/sbin/rinit", "--", "/fixture"]"#;
            Image::of_two_files(&["--no-cache"], entrypoint)
        });
        *shared = Arc::downgrade(&image);
        Some(image)
    }

    /// Built FROM scratch of the same two files, and the instructions that say what becomes of them.
    pub fn of_two_files(options: &[&str], instructions: &str) -> Arc<Image> {
        let context = Directory::new("image");
        for (file, name) in [(binary(), "rinit"), (fixture(), "fixture")] {
            context.copy(&file, name);
        }
        let copy = "FROM scratch\nCOPY rinit /sbin/rinit\nCOPY fixture /fixture";
        context.executable("Dockerfile", format!("{copy}\n{instructions}\n"));
        Image::build(options, context.path())
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

    /// To a file, for [`Image::load`].
    pub fn save(&self, file: &Path) {
        let file = file.to_str().expect("a path in UTF-8");
        docker(&["save", "--output", file, &self.name]);
    }

    /// From a file that `docker save` has written.
    pub fn load(file: &Path) -> Arc<Image> {
        let said = docker(&["load", "--input", file.to_str().expect("a path in UTF-8")]);
        let (_, name) = said.rsplit_once(' ').expect("Loaded image: NAME");
        Arc::new(Image { name: name.into() })
    }

    /// For a Dockerfile that builds on it.
    pub fn name(&self) -> &str {
        &self.name
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
            .expect("a client");
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
        (Terminal::run(Role::Pid1, &run), name)
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

    /// Puts a file of it here.
    pub fn copy(&self, file: &str, here: &Path) {
        let here = here.to_str().expect("a path in UTF-8");
        docker(&["cp", &format!("{}:{file}", self.name), here]);
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

fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("rinit-test-{}-{count}", std::process::id())
}
