//! Freezes processes, as `docker pause` does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A cgroup of its own, in whichever version there is.
pub struct Freezer {
    path: PathBuf,
    file: &'static str,
    words: [&'static str; 2],
}

impl Freezer {
    /// `None` where none may be made.
    pub fn new() -> Option<Freezer> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let mount = Path::new("/sys/fs/cgroup");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rinit-world-{}-{number}", std::process::id());
        let freezer = if mount.join("cgroup.controllers").exists() {
            Freezer {
                path: mount.join(name),
                file: "cgroup.freeze",
                words: ["1", "0"],
            }
        } else {
            Freezer {
                path: mount.join("freezer").join(name),
                file: "freezer.state",
                words: ["FROZEN", "THAWED"],
            }
        };
        fs::create_dir(&freezer.path).ok()?;
        Some(freezer)
    }

    /// Those of them that are still there.
    pub fn freeze(&self, pids: impl Iterator<Item = i32>) {
        for pid in pids {
            let _ = fs::write(self.path.join("cgroup.procs"), pid.to_string());
        }
        self.write(self.words[0]);
    }

    pub fn thaw(&self) {
        self.write(self.words[1]);
    }

    fn write(&self, word: &str) {
        fs::write(self.path.join(self.file), word).expect("a cgroup that freezes");
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        crate::common::wait_until("the cgroup is empty", || fs::remove_dir(&self.path).is_ok());
    }
}
