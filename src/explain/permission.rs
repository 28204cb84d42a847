//! A file that may not be executed.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access, geteuid};

use super::Cause;

/// The bits of a mode that let somebody execute.
const EXECUTE: u32 = 0o111;
/// The bits of a mode that are permissions.
const PERMISSIONS: u32 = 0o7777;

/// Why the kernel refuses to execute that file; `None` if the file itself and
/// its surroundings are in order.
pub fn why_refused(file: &Path) -> Option<Cause> {
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(_) => return unsearchable(file),
    };
    if metadata.is_dir() {
        return Some(Cause::Directory);
    }
    let kind = metadata.file_type();
    if kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device() {
        return Some(Cause::NotRegular);
    }
    let mode = metadata.permissions().mode() & PERMISSIONS;
    if mode & EXECUTE == 0 {
        return Some(Cause::NoExecuteBit { mode });
    }
    let mount = statvfs(file).ok();
    if mount.is_some_and(|mount| mount.flags().contains(FsFlags::ST_NOEXEC)) {
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

/// The first directory on the way that may not be searched.
fn unsearchable(file: &Path) -> Option<Cause> {
    let refuses = |directory: &&Path| access(*directory, AccessFlags::X_OK) == Err(Errno::EACCES);
    // The nearest to the root refuses for itself; those below it only because of it.
    let directory = file.ancestors().skip(1).filter(refuses).last()?;
    Some(Cause::Unsearchable {
        directory: directory.to_owned(),
        user: geteuid(),
    })
}

/// The highest directory on the way that is on the file's own file system.
fn mount_point(file: &Path) -> PathBuf {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let device = |path: &Path| path.metadata().map(|metadata| metadata.dev()).ok();
    let own = device(&file);
    file.ancestors()
        .take_while(|directory| device(directory) == own)
        .last()
        .unwrap_or(&file)
        .to_owned()
}
