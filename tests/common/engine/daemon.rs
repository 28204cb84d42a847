//! An engine of a test's own.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::super::output::Output;
use super::super::rinit::pid_of;
use super::super::{binary, limit, signal, skip};
use super::client::{Client, DOCKER, use_client};

const ENGINE: Client = &["docker", "--host", "unix:///run/docker.sock"];

/// An engine on a machine of a test's own (see machine.rs), which the calling thread's client talks to. Ended when
/// dropped.
pub struct Engine {
    daemon: Child,
    log: Output,
}

impl Engine {
    /// With a daemon's options beside those that make it work everywhere.
    pub fn start(options: &[&str]) -> Option<Engine> {
        let daemon = Command::new("dockerd")
            .args(["--storage-driver", "vfs"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut daemon) = daemon else {
            skip("there is no dockerd");
            return None;
        };
        let log = Output::of("the daemon's log", daemon.stderr.take());
        use_client(ENGINE);
        let engine = Engine { daemon, log };
        engine.log.line("API listen on");
        Some(engine)
    }

    /// Whose `docker run --init` runs the binary under test.
    pub fn with_rinit() -> Option<Engine> {
        Engine::start(&["--init-path", binary().to_str().expect("a path in UTF-8")])
    }

    /// What the daemon has said so far.
    pub fn log(&self) -> String {
        self.log.text()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        use_client(DOCKER);
        // The daemon ends what it started itself, given the chance.
        let _ = signal::send(pid_of(&self.daemon), libc::SIGTERM);
        let limit = Instant::now() + limit();
        while matches!(self.daemon.try_wait(), Ok(None)) && Instant::now() < limit {
            thread::sleep(Duration::from_millis(2));
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
