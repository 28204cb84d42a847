//! Whether a request to stop reaches rinit at all.

use std::os::unix::ffi::OsStrExt;

use nix::unistd::{Pid, getppid};

use crate::process::Name;
use crate::signal::Signal;
use crate::sys::procfs;

const SHELLS: [&[u8]; 7] = [b"sh", b"bash", b"dash", b"ash", b"ksh", b"zsh", b"busybox"];

/// The name of a shell that waits for rinit, is process 1, and has nothing for SIGTERM: the kernel
/// then keeps that signal from process 1, and nobody hears of it.
pub fn deaf_shell() -> Option<Name> {
    let parent = getppid();
    if parent != Pid::from_raw(1) {
        return None;
    }
    let state = procfs::state(parent)?;
    // Ignored, it is somebody's at a terminal, or means it. What it blocks proves nothing: dash blocks all on
    // the way to its wait, and an init nothing while it waits by sigwait(3).
    if [state.caught, state.ignored]
        .iter()
        .any(|signals| signals.contains(Signal::TERM))
    {
        return None;
    }
    let name = procfs::name(parent);
    is_shell(parent, &name).then_some(name)
}

/// A script is called by its own name, and of another user's program no more than that is to be seen.
fn is_shell(pid: Pid, name: &Name) -> bool {
    let program = procfs::program(pid);
    let program = program.as_deref().and_then(|path| path.file_name());
    program.is_some_and(|program| SHELLS.contains(&program.as_bytes()))
        || SHELLS.contains(&name.bytes())
        || name.bytes().ends_with(b".sh")
}
