//! What `.ci/release/dist` has made. It takes minutes to do so, hence these tests run only when they are named:
//!
//!     .ci/release/dist all && cargo test --test release

#[path = "../common/mod.rs"]
mod common;

mod behaviour;
mod contents;
mod debian;
mod image;
mod rpm;
mod wheel;

use std::path::{Path, PathBuf};
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What an architecture is called: by `.ci/release/dist`, qemu, Debian and OCI.
struct Architecture {
    name: &'static str,
    qemu: &'static str,
    debian: &'static str,
    oci: &'static str,
}

const ARCHITECTURES: [Architecture; 7] = [
    named("x86_64", "x86_64", "amd64", "amd64"),
    named("aarch64", "aarch64", "arm64", "arm64"),
    named("armv7", "arm", "armhf", "arm/v7"),
    named("riscv64", "riscv64", "riscv64", "riscv64"),
    named("i686", "i386", "i386", "386"),
    named("ppc64le", "ppc64le", "ppc64el", "ppc64le"),
    named("s390x", "s390x", "s390x", "s390x"),
];

const fn named(
    name: &'static str,
    qemu: &'static str,
    debian: &'static str,
    oci: &'static str,
) -> Architecture {
    Architecture {
        name,
        qemu,
        debian,
        oci,
    }
}

impl Architecture {
    fn binary(&self) -> PathBuf {
        dist().join(format!("rinit-{}", self.name))
    }
}

/// All of them in CI, else those that are in dist.
fn architectures() -> impl Iterator<Item = &'static Architecture> {
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    ARCHITECTURES
        .iter()
        .filter(move |architecture| is_ci || architecture.binary().exists())
}

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dist")
}

/// Whether two files hold the same.
fn same(one: impl AsRef<Path>, other: impl AsRef<Path>) -> bool {
    let read = |file: &Path| std::fs::read(file).expect("a file");
    read(one.as_ref()) == read(other.as_ref())
}

/// What commands of a shell print, which all succeed, where the sources are.
fn sh(commands: impl AsRef<str>) -> String {
    let output = Command::new("sh")
        .args(["-ec", commands.as_ref()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("a shell");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {output:?}", commands.as_ref());
    printed
}
