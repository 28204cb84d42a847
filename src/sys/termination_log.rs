//! Where Kubernetes looks for the reason of a container's end: a file that the kubelet mounts, and shows the
//! end of. It is the application's first of all.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, fstat, lstat};
use nix::unistd::write;

/// What a pod's `terminationMessagePath` is by default.
const DEFAULT: &str = "/dev/termination-log";

/// Bytes that Kubernetes shows.
const MOST: usize = 4096;

static PATH: OnceLock<PathBuf> = OnceLock::new();
/// Bytes that rinit has put there.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);

/// Has what follows go to that file; where the path is not absolute: nowhere.
pub fn redirect(path: PathBuf) {
    let _ = PATH.set(path);
}

/// Appends as many of these lines as there is room for, if nobody else has written to the file.
pub fn append(lines: &[u8]) {
    let path = PATH.get().map_or(Path::new(DEFAULT), PathBuf::as_path);
    if !path.is_absolute() {
        return;
    }
    let written = WRITTEN.load(Relaxed);
    let room = MOST.saturating_sub(written).min(lines.len());
    let fitting = lines.get(..room).unwrap_or_default();
    let Some(last) = fitting.iter().rposition(|byte| *byte == b'\n') else {
        return;
    };
    let fitting = lines.get(..=last).unwrap_or_default();
    if let Ok(length) = try_append(path, written, fitting) {
        WRITTEN.store(written.saturating_add(length), Relaxed);
    }
}

fn try_append(path: &Path, written: usize, bytes: &[u8]) -> Result<usize, Errno> {
    // Before it is opened: that may already do something to a device.
    check(&lstat(path)?, written)?;
    let flags = OFlag::O_WRONLY
        | OFlag::O_APPEND
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC;
    let file = open(path, flags, Mode::empty())?;
    check(&fstat(&file)?, written)?;
    write(&file, bytes)
}

/// Whether it is a regular file, with what rinit has written in it and nothing else.
fn check(file: &FileStat, written: usize) -> Result<(), Errno> {
    let is_regular = file.st_mode & libc::S_IFMT == libc::S_IFREG;
    let is_ours = usize::try_from(file.st_size) == Ok(written);
    (is_regular && is_ours).then_some(()).ok_or(Errno::EEXIST)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn no_more_than_kubernetes_shows_is_written_in_whole_lines() {
        let path = std::env::temp_dir().join(format!("rinit-log-{}", std::process::id()));
        File::create(&path).unwrap();
        redirect(path.clone());
        let line = [&[b'x'; 999][..], b"\n"].concat();
        append(&line.repeat(3));
        append(&line.repeat(3));
        append(&line);
        append(b"short\n");
        assert_eq!(
            fs::read(&path).unwrap(),
            [&line.repeat(4)[..], b"short\n"].concat()
        );
        fs::remove_file(&path).unwrap();
    }
}
