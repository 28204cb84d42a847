//! /proc, as seen from outside the namespaces of the tests.

use std::fs;
use std::io;
use std::mem;
use std::ptr;
use std::thread;
use std::time::Duration;

use nix::time::ClockId;

use super::wait_until;

/// The field of /proc/PID/status, if the process is there.
pub fn status(pid: i32, field: &str) -> Option<String> {
    let status = fs::read(format!("/proc/{pid}/status")).ok()?;
    // A process may have any bytes as its name.
    String::from_utf8_lossy(&status)
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| *name == field)
        .map(|(_, value)| value.trim().to_owned())
}

/// `R`, `S`, `T`, `Z` …
pub fn state(pid: i32) -> Option<char> {
    status(pid, "State")?.chars().next()
}

pub fn is_stopped(pid: i32) -> bool {
    state(pid) == Some('T')
}

pub fn parent(pid: i32) -> i32 {
    status(pid, "PPid")
        .expect("a living process")
        .parse()
        .expect("a pid")
}

/// How often it gave the processor up, and how often that was taken from it.
pub fn switches(pid: i32) -> [Option<String>; 2] {
    ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"].map(|field| status(pid, field))
}

/// Waits until the process rests: for a while it does not run at all.
pub fn wait_until_idle(pid: i32) {
    wait_until(&format!("{pid} rests"), || {
        let before = switches(pid);
        thread::sleep(Duration::from_millis(500));
        before == switches(pid) && state(pid) == Some('S')
    });
}

/// Waits until the process was not born just now, as the clock of /proc sees it: a signal that is forwarded from now on
/// counts as later.
pub fn wait_until_older_than_a_tick(pid: i32) {
    let birth = birth(pid).expect("a living process");
    wait_until(&format!("{pid} is older than a tick"), || {
        let now = ClockId::CLOCK_BOOTTIME.now().expect("a clock");
        now.tv_sec() * TICKS_PER_SECOND + now.tv_nsec() * TICKS_PER_SECOND / 1_000_000_000 > birth
    });
}

const TICKS_PER_SECOND: i64 = 100;

/// In ticks since boot.
fn birth(pid: i32) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(") ")?;
    behind_name.split(' ').nth(19)?.parse().ok()
}

/// The process group, as numbered here.
pub fn group(pid: i32) -> i32 {
    nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(pid))).map_or(0, nix::unistd::Pid::as_raw)
}

/// Lets a running process have no more than that of a resource. Gives what it could have before.
pub fn limit(pid: i32, resource: libc::__rlimit_resource_t, most: u64) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the kernel writes the limit.
    let result = unsafe { libc::prlimit(pid, resource, ptr::null(), &raw mut limit) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    let before = mem::replace(&mut limit.rlim_cur, most);
    // SAFETY: the kernel reads the limit.
    let result = unsafe { libc::prlimit(pid, resource, &raw const limit, ptr::null_mut()) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    before
}

/// A set of signals: `SigBlk`, `SigIgn`, `ShdPnd` …
pub fn signals(pid: i32, field: &str) -> Option<u64> {
    u64::from_str_radix(&status(pid, field)?, 16).ok()
}

/// The direct children, zombies among them.
pub fn children(pid: i32) -> Vec<i32> {
    fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
        .unwrap_or_default()
        .split_whitespace()
        .map(|child| child.parse().expect("a pid"))
        .collect()
}

/// Children, their children, and so on.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut all = children(pid);
    let mut next = 0;
    while next < all.len() {
        all.extend(children(all[next]));
        next += 1;
    }
    all
}

/// The pid that the process has in its own namespace.
pub fn inner_pid(pid: i32) -> Option<i32> {
    status(pid, "NSpid")?
        .split_whitespace()
        .last()?
        .parse()
        .ok()
}

/// The words that the process was started with.
pub fn command_line(pid: i32) -> Option<String> {
    let words = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(
        String::from_utf8_lossy(&words)
            .trim_end_matches('\0')
            .replace('\0', " "),
    )
}

/// Its open descriptors and what they are.
pub fn descriptors(pid: i32) -> Vec<(i32, String)> {
    let Ok(directory) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let mut all: Vec<_> = directory
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((
                number,
                fs::read_link(entry.path())
                    .ok()?
                    .to_string_lossy()
                    .into_owned(),
            ))
        })
        .collect();
    all.sort_unstable();
    all
}
