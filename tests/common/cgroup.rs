//! Limits of memory, as containers have them, without an engine.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, write};

use super::rinit::bind;
use super::{Directory, skip, wait_until};

/// A cgroup of its own, gone when dropped.
pub struct MemoryLimit(PathBuf);

impl MemoryLimit {
    /// So many bytes, and no swap.
    pub fn new(name: &str, bytes: u64) -> Option<MemoryLimit> {
        let mount = Path::new("/sys/fs/cgroup");
        let controllers = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
        let (parent, files) = if controllers.contains("memory") {
            let files = [("memory.max", bytes), ("memory.swap.max", 0)];
            (mount.to_owned(), files)
        } else {
            let files = [("memory.limit_in_bytes", bytes), ("memory.swappiness", 0)];
            (mount.join("memory"), files)
        };
        if !Uid::effective().is_root() || !parent.is_dir() {
            skip("only root may limit memory, where its cgroups are mounted");
            return None;
        }
        let limit = MemoryLimit(parent.join(format!("rinit-test-{name}-{}", std::process::id())));
        fs::create_dir(&limit.0).expect("a cgroup");
        for (file, value) in files {
            fs::write(limit.0.join(file), value.to_string()).expect("a limit");
        }
        Some(limit)
    }

    /// What a process that is about to execute a program does to be limited, and what comes of it.
    pub fn entry(&self) -> impl FnMut() -> io::Result<()> + Send + Sync + use<> {
        let path = self.0.join("cgroup.procs").into_os_string();
        let path = CString::new(path.into_encoded_bytes()).expect("no NUL");
        move || {
            let file = open(path.as_c_str(), OFlag::O_WRONLY, Mode::empty())?;
            // Whoever writes it.
            write(&file, b"0")?;
            Ok(())
        }
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        wait_until("the cgroup is empty", || fs::remove_dir(&self.0).is_ok());
    }
}

/// A mount of cgroups with these files, in which other processes would be killed.
pub struct Mount(Directory);

impl Mount {
    pub fn new(name: &str, files: &[(&str, &str)]) -> Mount {
        let mount = Mount(Directory::new(name));
        for (file, content) in files {
            mount.write(file, content);
        }
        mount
    }

    pub fn write(&self, file: &str, content: &str) {
        let path = self.0.path().join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, content).expect("a file of a cgroup");
    }

    /// Before exec: has it seen in place of the kernel's.
    pub fn bind(&self) -> impl FnMut() -> io::Result<()> + Send + Sync + use<> {
        bind(self.0.path(), "/sys/fs/cgroup")
    }
}
