//! Limits, as containers have them, without an engine.

use std::ffi::CString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, write};

use super::before_exec::bind;
use super::{Directory, skip, wait_until};

/// A cgroup of its own, gone when dropped.
pub struct Limit(PathBuf);

impl Limit {
    /// So many bytes, and no swap.
    pub fn memory(name: &str, bytes: u64) -> Option<Limit> {
        let v1 = [("memory.limit_in_bytes", bytes), ("memory.swappiness", 0)];
        let v2 = [("memory.max", bytes), ("memory.swap.max", 0)];
        Limit::new(name, "memory", &v1, &v2)
    }

    /// So many processes.
    pub fn processes(name: &str, count: u64) -> Option<Limit> {
        let files = [("pids.max", count)];
        Limit::new(name, "pids", &files, &files)
    }

    /// By a controller, with the files that it has in either version of cgroups.
    fn new(name: &str, controller: &str, v1: &[File], v2: &[File]) -> Option<Limit> {
        let mount = Path::new("/sys/fs/cgroup");
        let controllers = fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
        let (parent, files) = if controllers
            .split_whitespace()
            .any(|name| name == controller)
        {
            (mount.to_owned(), v2)
        } else {
            (mount.join(controller), v1)
        };
        if !Uid::effective().is_root() || !parent.is_dir() {
            skip("only root may set limits, where cgroups are mounted");
            return None;
        }
        let limit = Limit(parent.join(format!("rinit-test-{name}-{}", std::process::id())));
        fs::create_dir(&limit.0).expect("a cgroup");
        for (file, value) in files {
            fs::write(limit.0.join(file), value.to_string()).expect("a limit");
        }
        Some(limit)
    }

    /// A smaller or larger limit of memory inside this one.
    pub fn below(&self, name: &str, bytes: u64) -> Limit {
        let limit = Limit(self.0.join(name));
        let _ = fs::write(self.0.join("cgroup.subtree_control"), "+memory");
        fs::create_dir(&limit.0).expect("a cgroup");
        let files = ["memory.max", "memory.limit_in_bytes"].map(|file| limit.0.join(file));
        let file = files.iter().find(|file| file.exists()).expect("a limit");
        fs::write(file, bytes.to_string()).expect("a limit");
        limit
    }

    /// Before exec: has it seen in place of the topmost cgroup, as in a cgroup namespace of its own.
    pub fn bind_as_root(&self) -> impl FnMut() -> io::Result<()> + Send + Sync + use<> {
        let [v1, v2] = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"];
        bind(&self.0, if self.0.starts_with(v1) { v1 } else { v2 })
    }

    /// A number that a file of the cgroup holds.
    pub fn read(&self, file: &str) -> Option<u64> {
        let content = fs::read_to_string(self.0.join(file)).ok()?;
        content.trim().parse().ok()
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

/// Its name, and what is written to it.
type File = (&'static str, u64);

impl Drop for Limit {
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
