//! Starting COMMAND: the child, up to its exec.
//!
//! The child borrows rinit's memory while rinit stands still (clone(2),
//! CLONE_VM and CLONE_VFORK: what vfork does, on a stack of its own), so that
//! a start costs no copy of the page tables. Why an exec failed comes back over a
//! pipe, which a successful exec closes, rather than in that memory: an emulator
//! of another architecture makes a fork of it.
//!
//! # Safety
//! Between clone and exec the child makes plain system calls on what rinit has
//! prepared. It allocates nothing, takes no lock, logs nothing, and cannot panic.
#![allow(unsafe_code, reason = "clone, and all that happens up to exec")]

mod environment;

use std::cell::UnsafeCell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use libc::STDIN_FILENO;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{AccessFlags, Pid, access, getpgrp, pipe2, tcsetpgrp};

use crate::exit_code;
use crate::sys::descriptors::{INPUT, above_standard};
use crate::sys::environment::envp;
use crate::sys::signals::{self, Mask};
use crate::sys::wait;
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
const STACK_SIZE: usize = 16 * 1024;

/// The child's: only the pages that it uses ever take memory. In a frame of rinit's, the compiler's
/// stack probes would touch all four at each start.
#[repr(align(16))]
struct Stack(UnsafeCell<MaybeUninit<[u8; STACK_SIZE]>>);

// SAFETY: rinit has one thread, which stands still while a child uses it; a child with a copy of
// the memory uses its own.
unsafe impl Sync for Stack {}

static STACK: Stack = Stack(UnsafeCell::new(MaybeUninit::uninit()));

/// What makes a process COMMAND, in the form that system calls take.
struct Exec<'a> {
    candidates: &'a [Candidate],
    arguments: *const *const c_char,
    environment: *const *const c_char,
    mask: Mask,
    ignore_sigchld: bool,
}

/// A path at which there is something.
struct Candidate {
    /// Its place in [`Program::paths`].
    place: u32,
    path: *const c_char,
}

/// All that the child needs.
struct Prepared<'a> {
    exec: Exec<'a>,
    take_terminal: bool,
    pid_variables: *mut PidVariable,
    pid_variables_count: usize,
    /// Where to write a [`Report`]; -1 where no pipe was to be had.
    pipe: RawFd,
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
    let candidates = candidates(program.paths)?;
    // Without one (EMFILE), the child's exit status is all there is to learn.
    let (read, write) = report_pipe().ok().unzip();
    let mut environment = Environment::for_child();
    let arguments = pointers(program.arguments);
    let mut prepared = Prepared {
        exec: Exec {
            candidates: &candidates,
            arguments: arguments.as_ptr(),
            environment: environment.pointers(),
            mask: inherited.mask,
            ignore_sigchld: inherited.sigchld_ignored,
        },
        take_terminal,
        pid_variables: environment.pid_variables.as_mut_ptr(),
        pid_variables_count: environment.pid_variables.len(),
        pipe: write.as_ref().map_or(-1, AsRawFd::as_raw_fd),
    };
    // SAFETY: one past the end, from where the stack grows down.
    let top = unsafe { STACK.0.get().add(1) };
    let mut clone = |memory| {
        let flags = memory | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack and what `prepared` points to outlive the child's use
        // of them, since clone returns only after its exec or its end.
        let pid = unsafe { libc::clone(run_child, top.cast(), flags, (&raw mut prepared).cast()) };
        Errno::result(pid).map(Pid::from_raw)
    };
    let pid = match clone(libc::CLONE_VM) {
        // What was unshared is a time namespace, into which no memory may go (before Linux 6.3 or so).
        Err(Errno::EINVAL) => clone(0),
        result => result,
    };
    let pid = pid.map_err(SpawnError::Clone)?;
    drop(write);
    let Some(report) = read.and_then(read_report) else {
        STARTED.store(true, Relaxed);
        return Ok(pid);
    };
    // The child is as good as dead; no signal can be meant for it.
    wait::wait_for(pid);
    if take_terminal {
        let _ = tcsetpgrp(INPUT, getpgrp());
    }
    Err(report.into())
}

/// Becomes COMMAND in rinit's place, in the same process. Returns only if that fails.
pub fn replace(program: &Program, inherited: &Inherited) -> SpawnError {
    let candidates = match candidates(program.paths) {
        Ok(candidates) => candidates,
        Err(error) => return error,
    };
    let arguments = pointers(program.arguments);
    let exec = Exec {
        candidates: &candidates,
        arguments: arguments.as_ptr(),
        environment: envp(),
        mask: inherited.mask,
        ignore_sigchld: inherited.sigchld_ignored,
    };
    // SAFETY: the strings and vectors are null-terminated, and live until the exec.
    unsafe { exec.run() }.into()
}

/// The paths at which there is something. The child, which would hold rinit up if it were stopped, is
/// spared the search.
///
/// # Errors
/// There is nothing at any of them.
fn candidates(paths: &[CString]) -> Result<Vec<Candidate>, SpawnError> {
    let mut candidates = Vec::new();
    let mut last = ExecError {
        path: 0,
        errno: Errno::ENOENT,
    };
    for (place, path) in paths.iter().enumerate() {
        match access(path.as_c_str(), AccessFlags::F_OK) {
            Err(errno) if leads_on(errno) => last = ExecError { path: place, errno },
            // What else may be wrong with it, exec has the last word on.
            _ => candidates.push(Candidate {
                place: u32::try_from(place).unwrap_or(MASK),
                path: path.as_ptr(),
            }),
        }
    }
    if candidates.is_empty() {
        return Err(SpawnError::Exec(last));
    }
    Ok(candidates)
}

/// Whether the search goes on behind a path that cannot be run for this reason: it does not exist (execvp(3)).
fn leads_on(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENOENT | Errno::ENOTDIR | Errno::ESTALE | Errno::ENODEV | Errno::ETIMEDOUT
    )
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
    let prepared = unsafe { &*prepared.cast::<Prepared>() };
    // SAFETY: see the head of this file.
    let report = unsafe { become_command(prepared) };
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
        // SAFETY: there are so many, and rinit does not touch them meanwhile.
        unsafe { (*prepared.pid_variables.add(index)).set(libc::getpid()) };
    }
    // SAFETY: the vectors are null-terminated, and rinit stands still.
    unsafe { prepared.exec.run() }
}

impl Exec<'_> {
    /// Returns only if no path can be run.
    ///
    /// # Safety
    /// The pointers are those of null-terminated strings, and of null-terminated vectors of such.
    unsafe fn run(&self) -> Report {
        if self.ignore_sigchld {
            // SAFETY: installs no handler.
            unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        }
        let mut refused = None;
        let mut last = Report {
            path: 0,
            errno: libc::ENOENT,
        };
        for candidate in self.candidates {
            if let Err(errno) = self.mask.restore() {
                return Report {
                    path: MASK,
                    errno: errno as i32,
                };
            }
            // Nothing else happens under COMMAND's mask: Ctrl-Z would stop the child, and rinit in its vfork.
            // SAFETY: as this function.
            unsafe { libc::execve(candidate.path, self.arguments, self.environment) };
            let errno = Errno::last();
            let _ = signals::block_all();
            last = Report {
                path: candidate.place,
                errno: errno as i32,
            };
            match errno {
                Errno::EACCES => refused = refused.or(Some(last)),
                errno if leads_on(errno) => {}
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
