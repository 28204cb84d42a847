//! Signals by their number. libc hides 32 and 33 and removes them from every set, so sets go straight
//! to the kernel.

use std::io;
use std::ptr;
use std::time::Instant;

use nix::sys::signal::Signal;

/// All that can be blocked: 1 to 64 without KILL (9) and STOP (19).
pub fn all() -> impl Iterator<Item = i32> {
    (1..=64).filter(|&number| number != libc::SIGKILL && number != libc::SIGSTOP)
}

/// `TERM`, `RTMIN+3`. What the C library keeps for itself has but its number.
pub fn name(number: i32) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().replacen("SIG", "", 1),
        Err(_) if number >= RTMIN => format!("RTMIN+{}", number - RTMIN),
        Err(_) => number.to_string(),
    }
}

/// The signal of that name.
pub fn named(word: &str) -> i32 {
    (1..=64)
        .find(|&number| name(number) == word)
        .unwrap_or_else(|| panic!("there is no signal {word:?}"))
}

const RTMIN: i32 = 34;

/// Those that end a process that does nothing about them.
pub fn deadly() -> impl Iterator<Item = i32> {
    let harmless = [
        libc::SIGCHLD,
        libc::SIGCONT,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
        libc::SIGURG,
        libc::SIGWINCH,
    ];
    all()
        .chain([libc::SIGKILL])
        .filter(move |number| !harmless.contains(number))
}

/// The kernel's set of these signals.
pub fn set(numbers: impl IntoIterator<Item = i32>) -> u64 {
    numbers
        .into_iter()
        .fold(0, |set, number| set | 1 << (number - 1))
}

/// Blocks exactly these.
pub fn block(set: u64) -> io::Result<()> {
    // SAFETY: the kernel reads eight bytes from `set` and writes nothing.
    let result = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const set,
            ptr::null::<u64>(),
            size_of::<u64>(),
        )
    };
    checked(result)
}

/// Waits for one of these, which are blocked.
pub fn wait(set: u64) -> libc::siginfo_t {
    loop {
        // Otherwise interrupted: it was stopped and continued.
        if let Some(info) = take(set, ptr::null()) {
            return info;
        }
    }
}

/// Waits for one of these, which are blocked, until that moment.
pub fn wait_until(set: u64, end: Instant) -> Option<libc::siginfo_t> {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let limit = libc::timespec {
            tv_sec: left.as_secs() as _,
            tv_nsec: left.subsec_nanos() as _,
        };
        let info = take(set, &raw const limit);
        if info.is_some() || left.is_zero() {
            return info;
        }
    }
}

fn take(set: u64, limit: *const libc::timespec) -> Option<libc::siginfo_t> {
    // SAFETY: siginfo_t is plain data; the kernel reads the set and the limit and writes the information.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let number = libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const set,
            &raw mut info,
            limit,
            size_of::<u64>(),
        );
        (number > 0).then_some(info)
    }
}

/// Sends one to a process, or to a group if `pid` is negative.
pub fn send(pid: i32, number: i32) -> io::Result<()> {
    // SAFETY: kill touches no memory.
    checked(unsafe { libc::kill(pid, number) }.into())
}

/// Queues one with a value, as sigqueue(3) does.
pub fn queue(pid: i32, number: i32, value: usize) -> io::Result<()> {
    let value = libc::sigval {
        sival_ptr: value as *mut libc::c_void,
    };
    // SAFETY: the value is handed on as a number, nobody follows it.
    checked(unsafe { libc::sigqueue(pid, number, value) }.into())
}

/// Ignores one: what is executed then finds it ignored.
pub fn ignore(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_IGN)
}

/// Puts one back to what it does by default.
pub fn default(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_DFL)
}

/// Nothing is ignored and nothing blocked any more, whatever the tests were started with.
pub fn forget_inherited() -> io::Result<()> {
    all().try_for_each(default)?;
    block(0)
}

fn dispose(number: i32, handler: libc::sighandler_t) -> io::Result<()> {
    // The kernel's struct sigaction: handler, flags, restorer, mask, all of them zero but the first.
    let action = [handler, 0, 0, 0, 0, 0];
    // SAFETY: the kernel reads no more than that, and writes nothing.
    checked(unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            number,
            action.as_ptr(),
            ptr::null::<usize>(),
            size_of::<u64>(),
        )
    })
}

fn checked(result: libc::c_long) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
