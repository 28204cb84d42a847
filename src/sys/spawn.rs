//! Starting COMMAND: the child, up to its exec.
//!
//! The child borrows rinit's memory while rinit stands still (clone(2),
//! CLONE_VM and CLONE_VFORK: what vfork does, on a stack of its own), so that
//! a start costs no copy of the page tables. Why an exec failed is left in that
//! memory. An emulator of another architecture turns the vfork into a fork: there
//! it comes back over a pipe, which a successful exec closes.
//!
//! # Safety
//! Between clone and exec the child makes plain system calls on what rinit has
//! prepared. It takes no memory, no lock, says nothing, and cannot panic.
#![allow(unsafe_code, reason = "clone, and all that happens up to exec")]

mod environment;

use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use libc::STDIN_FILENO;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{Pid, getpgrp, pipe2, tcsetpgrp};

use crate::exit_code;
use crate::sys::descriptors::{INPUT, above_standard};
use crate::sys::environment::envp;
use crate::sys::reap;
use crate::sys::signals::Mask;
use environment::{Environment, PidVariable};

/// What to start.
pub struct Program<'a> {
    /// The paths to try, in order (see [`ExecError`]).
    pub paths: &'a [CString],
    pub arguments: &'a [CString],
}

/// What COMMAND is to find as rinit found it.
pub struct Inherited {
    pub mask: Mask,
    pub sigchld_ignored: bool,
}

pub enum SpawnError {
    /// There is no child.
    Clone(Errno),
    /// The child could not take the signal mask back.
    Mask(Errno),
    Exec(ExecError),
}

/// Why no path could be run.
///
/// A path that does not exist leads on to the next one, and so does one that
/// may not be run; but of these one is reported, rather than that another did
/// not exist. Any other error ends the search (execvp(3)).
#[derive(Clone, Copy)]
pub struct ExecError {
    /// The place of the path in [`Program::paths`].
    pub path: usize,
    pub errno: Errno,
}

/// Bytes. The child's calls take 1.3 KB where nothing is optimised, and no
/// signal handler runs.
const STACK_SIZE: usize = 3 * 1024;

#[repr(align(16))]
struct Stack(#[allow(dead_code, reason = "memory")] [MaybeUninit<u8>; STACK_SIZE]);

/// What makes a process COMMAND, in the form that system calls take.
struct Exec {
    paths: *const *const c_char,
    arguments: *const *const c_char,
    environment: *const *const c_char,
    mask: Mask,
    ignore_sigchld: bool,
}

/// All that the child needs.
struct Prepared {
    exec: Exec,
    take_terminal: bool,
    pid_variables: *mut PidVariable,
    pid_variables_count: usize,
    /// Where to write a [`Report`]; -1 where no pipe was to be had.
    pipe: RawFd,
    /// Set by the child: rinit sees it where memory is shared.
    begun: bool,
    /// Set by the child, and seen by rinit likewise.
    failed: Option<Report>,
}

/// What the child could not do, as it goes over the pipe.
#[repr(C)]
#[derive(Clone, Copy)]
struct Report {
    /// The place of the path that was tried, or [`MASK`].
    path: u32,
    errno: i32,
}

/// In place of a path: the signal mask could not be taken back.
const MASK: u32 = u32::MAX;

static STARTED: AtomicBool = AtomicBool::new(false);

/// Whether COMMAND has been started.
pub fn has_started() -> bool {
    STARTED.load(Relaxed)
}

/// Starts COMMAND in a process group of its own, which with `take_terminal`
/// becomes the foreground group of the terminal on standard input.
pub fn spawn(
    program: &Program,
    inherited: &Inherited,
    take_terminal: bool,
) -> Result<Pid, SpawnError> {
    // The memory tells, or else the pipe. Without one (EMFILE) the child's exit status does.
    let pipe = is_emulated().then(report_pipe).and_then(Result::ok);
    let (read, write) = pipe.unzip();
    let mut environment = Environment::for_child();
    let paths = pointers(program.paths);
    let arguments = pointers(program.arguments);
    let mut prepared = Prepared {
        exec: Exec {
            paths: paths.as_ptr(),
            arguments: arguments.as_ptr(),
            environment: environment.pointers(),
            mask: inherited.mask,
            ignore_sigchld: inherited.sigchld_ignored,
        },
        take_terminal,
        pid_variables: environment.pid_variables.as_mut_ptr(),
        pid_variables_count: environment.pid_variables.len(),
        pipe: write.as_ref().map_or(-1, AsRawFd::as_raw_fd),
        begun: false,
        failed: None,
    };
    // On rinit's own, which stands still: fresh memory would have to be mapped.
    let mut stack = MaybeUninit::<Stack>::uninit();
    // SAFETY: one past the end, from where the stack grows down.
    let top = unsafe { stack.as_mut_ptr().add(1) };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the stack and what `prepared` points to outlive the child's use
    // of them, since clone returns only after its exec or its end.
    let pid = unsafe { libc::clone(run_child, top.cast(), flags, (&raw mut prepared).cast()) };
    let pid = Errno::result(pid).map_err(SpawnError::Clone)?;
    let pid = Pid::from_raw(pid);
    drop(write);
    let failed = if prepared.begun {
        prepared.failed
    } else {
        read.and_then(read_report)
    };
    let Some(report) = failed else {
        STARTED.store(true, Relaxed);
        return Ok(pid);
    };
    // The child is as good as dead; no signal can be meant for it.
    reap::wait_for(pid);
    if take_terminal {
        let _ = tcsetpgrp(INPUT, getpgrp());
    }
    Err(report.into())
}

/// Becomes COMMAND in rinit's place, in the same process. Returns only if that fails.
pub fn replace(program: &Program, inherited: &Inherited) -> SpawnError {
    let paths = pointers(program.paths);
    let arguments = pointers(program.arguments);
    let exec = Exec {
        paths: paths.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: envp(),
        mask: inherited.mask,
        ignore_sigchld: inherited.sigchld_ignored,
    };
    // SAFETY: the vectors are null-terminated, and live until the exec.
    unsafe { exec.run() }.into()
}

/// Whether an emulator may be between rinit and the kernel. QEMU's refuses
/// get_robust_list(2), which every kernel with futexes grants, since the list
/// would hold its own addresses (linux-user/syscall.c). The pipe, which is for
/// it alone, would take 3 µs of a start's 45.
fn is_emulated() -> bool {
    let mut head = ptr::null_mut::<c_void>();
    let mut length: libc::size_t = 0;
    // SAFETY: writes these two.
    let result =
        unsafe { libc::syscall(libc::SYS_get_robust_list, 0, &raw mut head, &raw mut length) };
    result == -1
}

fn report_pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((above_standard(read)?, above_standard(write)?))
}

/// Waits for the child's exec, which closes the pipe, or for its report.
fn read_report(pipe: OwnedFd) -> Option<Report> {
    let mut bytes = [0; size_of::<Report>()];
    // A pipe hands on in one piece what was written in one (pipe(7)).
    let length = nix::unistd::read(&pipe, &mut bytes).ok()?;
    // SAFETY: any bits are a valid report.
    let report = unsafe { std::mem::transmute::<[u8; size_of::<Report>()], Report>(bytes) };
    (length == bytes.len()).then_some(report)
}

impl From<Report> for SpawnError {
    fn from(report: Report) -> Self {
        let errno = Errno::from_raw(report.errno);
        if report.path == MASK {
            return Self::Mask(errno);
        }
        let path = usize::try_from(report.path).unwrap_or(usize::MAX);
        Self::Exec(ExecError { path, errno })
    }
}

/// Pointers to strings, and the null that ends them.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

extern "C" fn run_child(prepared: *mut c_void) -> c_int {
    // SAFETY: `spawn` passes this, and stands still.
    let prepared = unsafe { &mut *prepared.cast::<Prepared>() };
    prepared.begun = true;
    // SAFETY: see the head of this file.
    let report = unsafe { become_command(prepared) };
    prepared.failed = Some(report);
    // SAFETY: the report is whole, and the descriptor the child's own.
    unsafe {
        libc::write(
            prepared.pipe,
            (&raw const report).cast(),
            size_of::<Report>(),
        );
        libc::_exit(status(report).into())
    }
}

/// Becomes COMMAND. Returns only if it cannot.
///
/// # Safety
/// To be called in the child, with what `spawn` has prepared.
unsafe fn become_command(prepared: &Prepared) -> Report {
    // SAFETY: plain system calls.
    unsafe {
        // Before exec, so that COMMAND never runs in rinit's group; and in the child,
        // so that a signal that rinit forwards right away finds the group.
        libc::setpgid(0, 0);
        if prepared.take_terminal {
            // SIGTTOU is still blocked: from a background group this would stop the child.
            libc::tcsetpgrp(STDIN_FILENO, libc::getpid());
        }
    }
    for index in 0..prepared.pid_variables_count {
        // SAFETY: so many there are, and rinit does not look at them meanwhile.
        unsafe { (*prepared.pid_variables.add(index)).set(libc::getpid()) };
    }
    // SAFETY: the vectors are null-terminated, and rinit stands still.
    unsafe { prepared.exec.run() }
}

impl Exec {
    /// Returns only if no path can be run.
    ///
    /// # Safety
    /// The pointers are those of null-terminated vectors of strings.
    unsafe fn run(&self) -> Report {
        if self.ignore_sigchld {
            // SAFETY: installs no handler.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        }
        if let Err(errno) = self.mask.restore() {
            return Report {
                path: MASK,
                errno: errno as i32,
            };
        }
        // SAFETY: as this function.
        unsafe { self.try_each_path() }
    }

    /// # Safety
    /// As [`Self::run`].
    unsafe fn try_each_path(&self) -> Report {
        let mut refused = None;
        let mut last = Report {
            path: 0,
            errno: libc::ENOENT,
        };
        for place in 0..MASK {
            // SAFETY: the vector ends with a null pointer, and nothing before that is one.
            let path = unsafe { *self.paths.add(place as usize) };
            if path.is_null() {
                break;
            }
            // SAFETY: null-terminated strings and vectors.
            unsafe { libc::execve(path, self.arguments, self.environment) };
            last = Report {
                path: place,
                errno: Errno::last_raw(),
            };
            match last.errno {
                libc::EACCES => refused = refused.or(Some(last)),
                libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
                _ => return last,
            }
        }
        refused.unwrap_or(last)
    }
}

/// The exit status of a child that could not become COMMAND.
fn status(report: Report) -> u8 {
    match report {
        Report { path: MASK, .. } => exit_code::FAILED,
        Report {
            errno: libc::ENOENT | libc::ENOTDIR,
            ..
        } => exit_code::NOT_FOUND,
        _ => exit_code::CANNOT_RUN,
    }
}
