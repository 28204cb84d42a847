//! What a test does in the process that is about to become rinit: system calls only, no allocation.

use std::io;
use std::os::fd::RawFd;
use std::path::Path;

use nix::mount::{MsFlags, mount};

/// Leaves rinit a child that it has not made, as `sh -c 'something & exec rinit …'` does. That ends
/// with status 3 at the end of its standard input.
pub fn fork_a_reader() -> io::Result<()> {
    // SAFETY: the child makes system calls only.
    unsafe {
        if nix::errno::Errno::result(libc::fork())? == 0 {
            // Among them is the one that tells of rinit's exec by its end.
            libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
            let mut byte = 0_u8;
            while libc::read(0, (&raw mut byte).cast(), 1) > 0 {}
            libc::_exit(3);
        }
    }
    Ok(())
}

/// Leaves rinit a dead child, of which no signal tells any more.
pub fn fork_a_zombie() -> io::Result<()> {
    // SAFETY: system calls only; all zeros are a valid siginfo.
    unsafe {
        let child = nix::errno::Errno::result(libc::fork())?;
        if child == 0 {
            libc::_exit(3);
        }
        let mut info = std::mem::zeroed();
        let flags = libc::WEXITED | libc::WNOWAIT;
        nix::errno::Errno::result(libc::waitid(
            libc::P_PID,
            child as libc::id_t,
            &raw mut info,
            flags,
        ))?;
    }
    Ok(())
}

/// Hands a descriptor over three times, by numbers that the tests themselves do not come to.
pub fn hand_over(descriptor: RawFd) -> io::Result<()> {
    for at_least in [900, 900, 1000] {
        // SAFETY: makes descriptors, and touches none that there are.
        nix::errno::Errno::result(unsafe { libc::fcntl(descriptor, libc::F_DUPFD, at_least) })?;
    }
    Ok(())
}

/// Leaves nothing there.
pub fn hide(path: &str) -> io::Result<()> {
    Ok(mount(
        Some("tmpfs"),
        path,
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&str>,
    )?)
}

/// Shows one directory in place of another.
pub fn bind(
    directory: &Path,
    place: &'static str,
) -> impl FnMut() -> io::Result<()> + Send + Sync + use<> {
    let directory = directory.to_owned();
    move || {
        let none = None::<&str>;
        Ok(mount(
            Some(&directory),
            place,
            none,
            MsFlags::MS_BIND,
            none,
        )?)
    }
}

pub const CAP_KILL: libc::c_ulong = 5;
pub const CAP_SYS_PTRACE: libc::c_ulong = 19;

/// What is executed does not have that capability, root's own though it is.
pub fn drop_capability(number: libc::c_ulong) -> io::Result<()> {
    // SAFETY: of numbers only.
    nix::errno::Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0) })?;
    Ok(())
}
