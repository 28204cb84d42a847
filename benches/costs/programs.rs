//! The small C programs that the inits run, and those that do the least that an init could.

use std::path::{Path, PathBuf};
use std::process::Command;

pub struct Programs {
    /// Ends at once.
    pub noop: PathBuf,
    /// Gives an init work, chosen by words.
    pub work: PathBuf,
    /// Starts a command, waits for it, and nothing else.
    pub minimal: PathBuf,
    /// Asks and reaps what a command leaves behind, after the same head start, and nothing else.
    pub drain: PathBuf,
}

impl Programs {
    /// Static and small, so that little is measured of themselves.
    ///
    /// # Errors
    /// What to install.
    pub fn build() -> Result<Programs, String> {
        let build = |name: &str| -> Result<PathBuf, String> {
            let source = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("benches/costs")
                .join(name)
                .with_extension("c");
            let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            let done = Command::new("musl-gcc")
                .args(["-std=gnu99", "-Os", "-static", "-s", "-o"])
                .args([&program, &source])
                .status();
            let status = done.map_err(|why| {
                format!("musl-gcc compiles what is measured (apt install musl-tools): {why}")
            })?;
            assert!(status.success(), "cannot compile {}", source.display());
            Ok(program)
        };
        Ok(Programs {
            noop: build("noop")?,
            work: build("work")?,
            minimal: build("minimal")?,
            drain: build("drain")?,
        })
    }
}
