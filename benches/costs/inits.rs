//! Whom to measure.

use std::env::{self, consts::ARCH};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{self, Rinit};
use crate::programs::Programs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The binary that `.ci/release/dist` makes.
    Release,
    /// That of `cargo build --release`.
    Plain,
    Peer,
    /// A C program that does the least of a row.
    Least,
}

impl Role {
    /// Which build it is, for those that could be mistaken for each other.
    pub fn remark(self) -> &'static str {
        match self {
            Role::Release => ", made by .ci/release/dist",
            Role::Plain => ", made by cargo build --release",
            Role::Peer => "",
            Role::Least => ", does the least that a row needs",
        }
    }
}

pub struct Init {
    pub name: &'static str,
    pub role: Role,
    pub path: PathBuf,
    options: &'static [&'static str],
}

/// Name, options, and Debian's package. Without `-s` tini has a complaint to write, where it is not PID 1.
const PEERS: [(&str, &[&str], &str); 4] = [
    ("tini-static", &["-s"], "tini"),
    ("tini", &["-s"], "tini"),
    ("dumb-init", &[], "dumb-init"),
    ("catatonit", &[], "catatonit"),
];

/// Those that are here; and lines that say which are not, and how to get them.
pub fn find(programs: &Programs) -> (Vec<Init>, Vec<String>) {
    let (mut inits, mut absent) = (Vec::new(), Vec::new());
    let mut add = |name, role, path: Option<PathBuf>, options, missing: &str| match path {
        Some(path) => inits.push(Init {
            name,
            role,
            path,
            options,
        }),
        None => absent.push(format!("{name} is missing and left out: {missing}")),
    };
    let missing = ".ci/release/dist makes the release binary, RINIT_BENCH_BINARY names another";
    add("rinit", Role::Release, release(), &[], missing);
    let plain = env!("CARGO_BIN_EXE_rinit").into();
    add("rinit (plain)", Role::Plain, Some(plain), &[], "");
    for (name, options, package) in PEERS {
        let missing = format!("apt install {package}");
        add(name, Role::Peer, search(name), options, &missing);
    }
    for (name, program) in [
        ("minimal.c", &programs.minimal),
        ("drain.c", &programs.drain),
    ] {
        add(name, Role::Least, Some(program.clone()), &[], "");
    }
    for init in &inits {
        // What is not on the disk yet would count as memory that the process has written to.
        let file = File::open(&init.path).and_then(|file| file.sync_all());
        file.unwrap_or_else(|why| panic!("{}: {why}", init.path.display()));
    }
    (inits, absent)
}

fn release() -> Option<PathBuf> {
    if let Some(path) = env::var_os("RINIT_BENCH_BINARY") {
        return Some(path.into());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("dist/rinit-{ARCH}"));
    path.exists().then_some(path)
}

fn search(name: &str) -> Option<PathBuf> {
    let directories = env::var_os("PATH")?;
    env::split_paths(&directories)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

impl Init {
    /// Whether it does more than the least of a row.
    pub fn is_complete(&self) -> bool {
        self.role != Role::Least
    }

    /// With this program as its command, beside another PID 1.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = quiet(&self.path);
        command.args(self.options).arg(program);
        command
    }

    /// The same, as PID 1.
    pub fn as_pid_1(&self, program: &Path, words: &str) -> Rinit {
        Rinit::program(common::Role::Pid1, &self.path)
            .words(&self.options.join(" "))
            .arg(program)
            .words(words)
    }
}

/// A program without a terminal, and with an environment that is the same everywhere.
pub fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
