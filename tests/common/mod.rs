//! What the tests share: starting rinit in a PID namespace of its own, waiting for what it and its
//! command say, sending signals by number, reading /proc.

// Each test file is a crate of its own and uses only a part of this.
#![allow(dead_code, unused_imports)]

pub mod before_exec;
pub mod cgroup;
pub mod elf_samples;
pub mod engine;
pub mod fuse;
pub mod isolated_host;
pub mod output;
pub mod outsider;
pub mod podman;
pub mod proc;
pub mod readme;
pub mod rinit;
pub mod role;
pub mod seccomp;
pub mod signal;
pub mod skipped;
pub mod strace;
pub mod terminal;
pub mod tracer;

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use rinit::{Ended, Rinit, Running};
pub use role::{Role, as_pid1, as_pid1_and_subreaper, as_pid1_and_subreaper_at_once, as_subreaper};
pub use skipped::skip;
pub use terminal::Terminal;

/// How long a condition may take to come true, on a loaded machine too.
pub fn limit() -> Duration {
    patiently(Duration::from_secs(60))
}

/// RINIT_TEST_PATIENCE times as long, for where everything takes longer, as on an emulated processor.
pub fn patiently(limit: Duration) -> Duration {
    limit * patience()
}

fn patience() -> u32 {
    std::env::var("RINIT_TEST_PATIENCE").map_or(1, |times| times.parse().expect("a number"))
}

/// The binary under test: rinit, or whatever RINIT_TEST_BINARY names, such as another init to compare with.
pub fn binary() -> PathBuf {
    std::env::var_os("RINIT_TEST_BINARY")
        .map_or_else(|| env!("CARGO_BIN_EXE_rinit").into(), PathBuf::from)
}

/// Where a program lies in PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(name))
        .find(|file| file.exists())
}

/// The program that the tests run inside, which is that of tests/fixture, or whatever RINIT_TEST_FIXTURE names.
pub fn fixture() -> PathBuf {
    static FIXTURE: OnceLock<PathBuf> = OnceLock::new();
    let named = || std::env::var_os("RINIT_TEST_FIXTURE").map(PathBuf::from);
    FIXTURE
        .get_or_init(|| named().unwrap_or_else(|| example("fixture")))
        .clone()
}

/// Builds a program that tests run. Cargo does so by itself only where it builds everything, not for
/// `cargo test --test NAME`.
pub fn example(name: &str) -> PathBuf {
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", name])
        .arg("--message-format=json")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo");
    assert!(cargo.status.success(), "{name} is not built");
    let said = String::from_utf8(cargo.stdout).expect("JSON");
    let (_, path) = said
        .rsplit_once("\"executable\":\"")
        .expect("where it is built");
    path.split_once('"').expect("the end of a text").0.into()
}

/// Waits until `condition` gives something.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < limit(), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}

/// A directory of a test's own, gone when dropped.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Directory {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("rinit-test-{name}-{}-{count}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory for the test");
        // For whoever a test runs programs as, whatever the umask.
        let everyone = Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, everyone).expect("a directory that everyone may enter");
        Directory(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Puts a file there that may be executed.
    pub fn executable(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        // Written here, it could be busy (ETXTBSY): what another test forks meanwhile has it open for writing until
        // its own exec.
        let mut install = Command::new("install")
            .args(["--mode=755", "/dev/stdin"])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("coreutils");
        let mut stdin = install.stdin.take().expect("a pipe");
        stdin.write_all(content.as_ref()).expect("somebody reads");
        drop(stdin);
        assert!(install.wait().is_ok_and(|status| status.success()));
        path
    }

    /// Puts a copy of a program there.
    pub fn copy(&self, program: &Path, name: &str) -> PathBuf {
        self.executable(name, std::fs::read(program).expect("a program"))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
