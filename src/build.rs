//! Gives the compiler the git commit that `--version` names. Git itself need not be there, nor own the checkout: its files
//! are read.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    // A history around the sources, of which they are no part, is not theirs.
    let commit = History::open(Path::new(".git")).and_then(|history| history.commit());
    // Whoever reads `--version` finds a commit in its place, even without a history.
    let commit = commit.unwrap_or_else(|| "0000000".to_owned());
    println!("cargo::rustc-env=RINIT_COMMIT={commit}");
}

/// See gitrepository-layout(5).
struct History {
    /// What is a worktree's own: HEAD, and the log of it.
    own: PathBuf,
    /// What all worktrees share: the branches.
    common: PathBuf,
}

impl History {
    fn open(path: &Path) -> Option<Self> {
        let own = if path.is_dir() {
            path.to_owned()
        } else {
            // A worktree or a submodule has a file that says where.
            let line = fs::read_to_string(path).ok()?;
            PathBuf::from(line.strip_prefix("gitdir:")?.trim())
        };
        let common = fs::read_to_string(own.join("commondir"))
            .map_or_else(|_| own.clone(), |common| own.join(common.trim()));
        Some(Self { own, common })
    }

    /// The first seven digits.
    fn commit(&self) -> Option<String> {
        // Each commit and checkout adds a line, while a branch that was packed has no file yet to watch.
        watch(&self.own.join("logs/HEAD"));
        let head = read(&self.own.join("HEAD"))?;
        let commit = match head.strip_prefix("ref:") {
            None => head,
            Some(branch) => self.branch(branch.trim())?,
        };
        let digits = commit.get(..7)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| digits.to_owned())
    }

    /// A file of its own, or one line among many.
    fn branch(&self, name: &str) -> Option<String> {
        if let Some(commit) = read(&self.common.join(name)) {
            return Some(commit);
        }
        let packed = read(&self.common.join("packed-refs"))?;
        let line = packed
            .lines()
            .find(|line| line.split(' ').nth(1) == Some(name));
        line.map(str::to_owned)
    }
}

fn read(path: &Path) -> Option<String> {
    watch(path);
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// Cargo builds again when the file has changed, and each time if the file does not exist.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}
