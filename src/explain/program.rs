//! COMMAND's file.

use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::{AccessFlags, access};

use super::elf::Size;
use super::file;
use super::format::Format;
use crate::search::Search;
use crate::sys::clock;
use crate::time::Time;

/// What runs a text.
pub const SHELL: &CStr = c"/bin/sh";

/// Whether a file that the kernel does not know how to run is a script for
/// the shell.
pub fn is_shell_script(file: &Path) -> bool {
    file::format(file) == Format::Text
}

/// The sizes of COMMAND's file if it lacks its end. The kernel starts what has
/// its beginning.
pub fn cut_off(search: &Search) -> Option<Size> {
    let file = file_that_ran(search)?;
    match file::format(file) {
        Format::Elf(Some(elf)) if elf.size.is_cut_off() => Some(elf.size),
        _ => None,
    }
}

/// How soon after its start COMMAND's files may still be looked at. The server of their file system may
/// have fallen silent since (FUSE, NFS): whoever asks for a file then sleeps until it answers, and not
/// even SIGKILL would end process 1.
const LOOKED_AT_FOR: Duration = Duration::from_secs(2);

/// COMMAND's file, once it has been started: the first that could be. `None`: that is too long ago.
pub fn file_that_ran(search: &Search) -> Option<&PathBuf> {
    let age = |started_at: Time| started_at.until(clock::now());
    if search.started_at.is_some_and(|at| age(at) > LOOKED_AT_FOR) {
        return None;
    }
    let may_run = |path: &&PathBuf| path.is_file() && access(*path, AccessFlags::X_OK).is_ok();
    search.paths.iter().find(may_run)
}
