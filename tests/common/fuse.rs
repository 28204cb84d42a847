//! A file system whose server can fall silent.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::mount::{MntFlags, umount2};

use super::rinit::pid_of;
use super::{Directory, find_program, proc, signal, skip, wait_until};

pub struct FuseMount {
    server: Child,
    /// What it serves, and where.
    directory: Directory,
}

impl FuseMount {
    /// With a copy of that program in it. `None`: there is no FUSE here.
    pub fn with(program: &Path) -> Option<FuseMount> {
        if find_program("fuse-overlayfs").is_none() || !nix::unistd::Uid::effective().is_root() {
            skip("no FUSE: as root, apt install fuse-overlayfs");
            return None;
        }
        let directory = Directory::new("fuse");
        let [served, mount] = ["served", "mount"].map(|name| directory.path().join(name));
        for path in [&served, &mount] {
            std::fs::create_dir(path).expect("a directory");
        }
        let name = program
            .file_name()
            .expect("a name")
            .to_str()
            .expect("UTF-8");
        directory.copy(program, &format!("served/{name}"));
        let server = Command::new("fuse-overlayfs")
            .arg("-f")
            .arg(format!("-olowerdir={}", served.display()))
            .arg(&mount)
            .stderr(Stdio::null())
            .spawn()
            .expect("fuse-overlayfs");
        let mount = FuseMount { server, directory };
        wait_until("it is mounted", || mount.file(name).exists());
        Some(mount)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("mount").join(name)
    }

    /// From here on nothing is answered.
    pub fn fall_silent(&self) {
        let server = pid_of(&self.server);
        signal::send(server, libc::SIGSTOP).expect("a child of ours");
        wait_until("the server is silent", || proc::is_stopped(server));
    }
}

impl Drop for FuseMount {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = umount2(&self.directory.path().join("mount"), MntFlags::MNT_DETACH);
    }
}
