//! What rinit is where it runs: the first process of a PID namespace of its own, or a subreaper beside that one. So a
//! test has all the pids for itself, and the kernel kills whatever it leaves behind.

use std::ffi::CString;
use std::io;
use std::sync::OnceLock;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use nix::sys::utsname::uname;
use nix::unistd::{ForkResult, Pid, Uid, fork, getgid, getuid};

use super::{Rinit, fixture, skip};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// PID 1 of its namespace.
    Pid1,
    /// Beside another PID 1, which reaps what rinit does not.
    Subreaper,
}

impl Role {
    /// The pid that rinit has there.
    pub fn pid(self) -> i32 {
        match self {
            Role::Pid1 => 1,
            Role::Subreaper => 2,
        }
    }
}

pub fn as_pid1(test: impl Fn(Role)) {
    as_each(&[Role::Pid1], test);
}

pub fn as_subreaper(test: impl Fn(Role)) {
    as_each(&[Role::Subreaper], test);
}

pub fn as_pid1_and_subreaper(test: impl Fn(Role)) {
    as_each(&[Role::Pid1, Role::Subreaper], test);
}

/// Both at a time: for a test that takes long by its nature.
pub fn as_pid1_and_subreaper_at_once(test: impl Fn(Role) + Sync) {
    if !namespaces_allowed() {
        return;
    }
    thread::scope(|scope| {
        for role in [Role::Pid1, Role::Subreaper] {
            let test = &test;
            scope.spawn(move || test(role));
        }
    });
}

pub fn as_each(roles: &[Role], test: impl Fn(Role)) {
    if !namespaces_allowed() {
        return;
    }
    for &role in roles {
        // Shown when the test fails.
        eprintln!("as {role:?}:");
        test(role);
    }
}

/// Where they are not, the test is skipped.
pub fn namespaces_allowed() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    let allowed = *ALLOWED.get_or_init(|| {
        match Rinit::program(Role::Pid1, &fixture())
            .words("exit 0")
            .try_start()
        {
            Err(error) if is_refusal(&error) => false,
            Err(error) => panic!("cannot start the fixture: {error}"),
            Ok(_) => true,
        }
    });
    if !allowed {
        skip(
            "this user may not create PID namespaces; they run as root, and where `unshare --user --pid --fork true` does",
        );
    }
    allowed
}

/// No namespace for this user, none more for anybody, or none in this kernel (unshare(2)).
fn is_refusal(error: &io::Error) -> bool {
    let refusals = [
        libc::EPERM,
        libc::EACCES,
        libc::ENOSPC,
        libc::EUSERS,
        libc::EINVAL,
        libc::ENOSYS,
    ];
    error
        .raw_os_error()
        .is_some_and(|error| refusals.contains(&error))
}

/// Moves a process that is about to execute a program into a namespace, from which only that program
/// goes on: the call returns in there, ready for exec.
pub struct Entry {
    role: Role,
    user: Option<UserMap>,
}

/// Who is not root becomes it in a user namespace.
struct UserMap {
    users: CString,
    groups: CString,
}

impl Entry {
    pub fn new(role: Role) -> Entry {
        let map = |id: u32| CString::new(format!("0 {id} 1")).expect("no NUL");
        let user = (!Uid::effective().is_root()).then(|| UserMap {
            users: map(getuid().as_raw()),
            groups: map(getgid().as_raw()),
        });
        Entry { role, user }
    }

    /// Runs between fork and exec of a threaded program: system calls only, no allocation.
    pub fn enter(&self) -> io::Result<()> {
        let mut namespaces = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS;
        namespaces.set(CloneFlags::CLONE_NEWUSER, self.user.is_some());
        die_with_parent()?;
        unshare(namespaces)?;
        if let Some(map) = &self.user {
            write(c"/proc/self/setgroups", b"deny")?;
            write(c"/proc/self/uid_map", map.users.as_bytes())?;
            write(c"/proc/self/gid_map", map.groups.as_bytes())?;
        }
        go_on_in_child()?;
        mount(
            None::<&str>,
            "/",
            None::<&str>,
            MsFlags::MS_REC | MsFlags::MS_PRIVATE,
            None::<&str>,
        )?;
        mount(
            Some("proc"),
            "/proc",
            Some("proc"),
            MsFlags::empty(),
            None::<&str>,
        )?;
        if self.role == Role::Subreaper {
            go_on_in_child()?;
        }
        // As container engines start a container.
        nix::unistd::setsid()?;
        Ok(())
    }
}

/// Forks. Only the child returns; the parent waits for it, reaping whatever else comes, and ends as it does.
fn go_on_in_child() -> io::Result<()> {
    // SAFETY: what follows in the child are system calls until exec.
    match unsafe { fork() }? {
        ForkResult::Child => die_with_parent(),
        ForkResult::Parent { child } => {
            // Nothing may be held open that the test waits to see closed.
            // SAFETY: this process uses no descriptor any more.
            unsafe { libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0) };
            loop {
                let mut status = 0;
                // SAFETY: waitpid writes the status, _exit ends this process.
                unsafe {
                    if libc::waitpid(-1, &raw mut status, 0) != Pid::as_raw(child) {
                        continue;
                    }
                    if libc::WIFSIGNALED(status) {
                        libc::_exit(KILLED + libc::WTERMSIG(status));
                    }
                    libc::_exit(libc::WEXITSTATUS(status));
                }
            }
        }
    }
}

/// What a process in between says when a signal killed the one inside: added to the signal's number. No test
/// should ever see it, since rinit ends by exit.
const KILLED: i32 = 160;

fn die_with_parent() -> io::Result<()> {
    Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?)
}

fn write(path: &std::ffi::CStr, content: &[u8]) -> io::Result<()> {
    let file = nix::fcntl::open(
        path,
        nix::fcntl::OFlag::O_WRONLY,
        nix::sys::stat::Mode::empty(),
    )?;
    nix::unistd::write(&file, content)?;
    Ok(())
}

/// The version of the kernel.
pub fn linux() -> (u32, u32) {
    let release = uname().expect("a kernel");
    let release = release.release().to_string_lossy().into_owned();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
