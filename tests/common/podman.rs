//! Podman on a machine of a test's own (see machine.rs), driven as any engine (see engine.rs).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};

use super::engine::{Client, DOCKER, ask, run, use_client};
use super::isolated_host::enter;
use super::skip;

const ROOT: Client = &["podman"];

const USER: Client = &[
    "setpriv",
    "--reuid=somebody",
    "--regid=somebody",
    "--init-groups",
    "--reset-env",
    "env",
    "--chdir=/",
    "XDG_RUNTIME_DIR=/run/somebody",
    "podman",
];

/// A user without privileges, who has other user IDs to give to containers.
const ADD_USER: &str = "\
    useradd --create-home --home-dir=/run/home somebody
    echo somebody:100000:65536 | tee /etc/subuid >/etc/subgid
    install --directory --mode=700 --owner=somebody /run/somebody";

/// What works with every kind of file system, without systemd, and within whatever limits the tests have. Networks are no
/// business of an init.
const CONFIGURATION: &str = r#"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"#;

const STORAGE: &str = r#"
[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
"#;

/// Podman, which is the calling thread's client until this is dropped.
pub struct Podman {
    client: Client,
    /// Held by all who have containers there.
    cgroups: Flock<File>,
}

/// Of these there is but one kind for all machines.
const CGROUPS: &str = "/sys/fs/cgroup";

impl Podman {
    /// Used by root.
    pub fn of_root() -> Option<Podman> {
        Podman::of(ROOT)
    }

    /// Used by somebody who is not root.
    pub fn of_user() -> Option<Podman> {
        enter(ADD_USER);
        Podman::of(USER)
    }

    fn of(client: Client) -> Option<Podman> {
        if Command::new("podman").arg("--version").output().is_err() {
            skip("there is no podman");
            return None;
        }
        let directory = Path::new("/etc/containers");
        let additions = directory.join("containers.conf.d");
        fs::create_dir_all(&additions).expect("a directory");
        // With version 2 of cgroups, the one that Podman prefers of those installed.
        let runtime = match Path::new(CGROUPS).join("cgroup.controllers").exists() {
            true => "",
            false => "runtime = \"runc\"\n",
        };
        let configuration = format!("{CONFIGURATION}{runtime}");
        fs::write(additions.join("test.conf"), configuration).expect("a configuration");
        fs::write(directory.join("storage.conf"), STORAGE).expect("a configuration");
        use_client(client);
        let cgroups = File::open(CGROUPS).expect("cgroups");
        let cgroups = Flock::lock(cgroups, FlockArg::LockShared).expect("a lock");
        Some(Podman { client, cgroups })
    }

    /// Has a shell of the user's run what that user types.
    pub fn enter(&self, commands: &str) {
        let (_, user) = self.client.split_last().expect("the program's name");
        ask(user, &["sh", "-ec", commands]);
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // Ends the process that holds a user's namespaces.
        let _ = run(&["system", "migrate"]);
        use_client(DOCKER);
        let alone = self.cgroups.relock(FlockArg::LockExclusiveNonblock);
        if alone.is_ok() {
            for hierarchy in directories(Path::new(CGROUPS)).chain([CGROUPS.into()]) {
                remove_empty(&hierarchy.join("libpod_parent"));
            }
        }
    }
}

/// Podman leaves cgroups behind.
fn remove_empty(cgroup: &Path) {
    directories(cgroup).for_each(|child| remove_empty(&child));
    let _ = fs::remove_dir(cgroup);
}

fn directories(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
}
