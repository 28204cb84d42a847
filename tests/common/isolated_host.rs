//! A machine of a test's own, as far as a container engine can tell.

use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use super::{binary, skip};

/// Where engines and inits are installed and set up. What is written there stays in a layer of its own.
const KEPT: [&str; 3] = ["/etc", "/usr", "/var"];

/// Where the engines of the machine outside are at work, as they are in TOP.
const EMPTIED: [&str; 4] = [
    "/dev/shm",
    "/etc/docker",
    "/var/lib/containers",
    "/var/lib/docker",
];

/// Holds these layers, and what a user has built.
const TOP: &str = "/run";

/// Runs a test as root of a machine with the same programs, on which no engine runs and no network is to be had.
/// Whatever is installed, set up and mounted there is gone with its last process.
pub fn alone(test: impl FnOnce() + Send) {
    // Of which a thread may have its own, and what it starts has them too.
    let namespaces = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
    let test = || match unshare(namespaces) {
        Err(Errno::EPERM) => skip("only root may set up a machine of its own"),
        result => {
            result.expect("namespaces");
            set_up();
            test();
        }
    };
    if let Err(panic) = thread::scope(|scope| scope.spawn(test).join()) {
        resume_unwind(panic);
    }
}

fn set_up() {
    let none = None::<&str>;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(none, "/", none, private, none).expect("mounts of its own");
    let_go();
    empty(TOP);
    for directory in KEPT {
        let [upper, work] = ["upper", "work"].map(|layer| format!("{TOP}/{layer}{directory}"));
        for layer in [&upper, &work] {
            fs::create_dir_all(layer).expect("a directory");
        }
        let layers = format!("lowerdir={directory},upperdir={upper},workdir={work}");
        let overlay = Some("overlay");
        let layers = Some(&*layers);
        mount(overlay, directory, overlay, MsFlags::empty(), layers).expect("an overlay");
    }
    EMPTIED.into_iter().for_each(empty);
}

/// Of what is mounted for containers outside: held here, it would outlive them.
fn let_go() {
    let mounts = fs::read_to_string("/proc/thread-self/mounts").expect("/proc");
    let mounts = mounts
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1));
    let is_engines = |place: &&str| {
        let place = Path::new(place);
        [TOP]
            .iter()
            .chain(&EMPTIED)
            .any(|top| place.starts_with(top))
    };
    for place in mounts.filter(is_engines) {
        // Gone already with the one it was mounted on.
        let _ = umount2(place, MntFlags::MNT_DETACH);
    }
}

fn empty(directory: &str) {
    fs::create_dir_all(directory).expect("a directory");
    let none = None::<&str>;
    let tmpfs = Some("tmpfs");
    mount(tmpfs, directory, tmpfs, MsFlags::empty(), none).expect("an empty directory");
}

/// Has a shell run what a user types where rinit has been built. Gives what is printed.
pub fn enter(commands: &str) -> String {
    let output = Command::new("sh")
        .arg("-ec")
        .arg(format!(
            "install -D $RINIT target/release/rinit\n{commands}"
        ))
        .env("RINIT", binary())
        .current_dir(TOP)
        .output()
        .expect("a shell");
    assert!(
        output.status.success(),
        "{commands}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
