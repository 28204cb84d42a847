//! A file that may not be executed.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access, geteuid};

use super::cause::Cause;
use super::missing;

/// The bits of a mode that let somebody execute.
const EXECUTE: u32 = 0o111;
/// The bits of a mode that are permissions.
const PERMISSIONS: u32 = 0o7777;

/// Why the kernel refuses to execute that file; `None` if the file itself and
/// the way to it are in order.
pub fn why_refused(file: &Path) -> Option<Cause> {
    let Ok(metadata) = file.metadata() else {
        return missing::obstacle(file);
    };
    if metadata.is_dir() {
        return Some(Cause::Directory);
    }
    if !metadata.is_file() {
        return Some(Cause::NotRegular);
    }
    let mode = metadata.permissions().mode() & PERMISSIONS;
    if mode & EXECUTE == 0 {
        return Some(Cause::NoExecuteBit { mode });
    }
    if is_noexec(file) {
        let mount = mount_point(file);
        return Some(Cause::NoExec { mount });
    }
    if access(file, AccessFlags::X_OK) == Err(Errno::EACCES) {
        return Some(Cause::NotForThisUser {
            mode,
            user: geteuid(),
        });
    }
    None
}

fn is_noexec(file: &Path) -> bool {
    statvfs(file).is_ok_and(|mount| mount.flags().contains(FsFlags::ST_NOEXEC))
}

/// The highest directory on the way that is mounted with the file.
fn mount_point(file: &Path) -> PathBuf {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    let own = device(&file);
    file.ancestors()
        .take_while(|directory| device(directory) == own && is_noexec(directory))
        .last()
        .unwrap_or(&file)
        .to_owned()
}
