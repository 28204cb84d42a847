//! What /proc shows of processes (proc(5)).

use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::unistd::{Pid, getpgid, getpid, read};

use crate::process::{Name, StartInfo, State, Zombie};
use crate::signal::Signals;
use crate::sys::{directory, file};

/// The process's name, empty if it cannot be read.
pub fn name(pid: Pid) -> Name {
    if !is_own() {
        return Name::unknown();
    }
    Name::filled_by(|buffer| file::read(format_args!("/proc/{pid}/comm"), buffer).map(<[u8]>::len))
}

/// Why a scan has found nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScanError {
    /// There is no /proc of rinit's own PID namespace.
    NoProc,
    /// It failed this time: memory or descriptors may have run out.
    Failed,
}

/// Whether /proc is there, and is that of rinit's own PID namespace: in
/// another's, pids mean other processes.
fn check_own() -> Result<(), ScanError> {
    let file = match file::open(Path::new("/proc/self/stat")) {
        Ok(file) => file,
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES) => return Err(ScanError::NoProc),
        Err(_) => return Err(ScanError::Failed),
    };
    let mut bytes = [0; 16];
    let length = read(&file, &mut bytes).map_err(|_| ScanError::Failed)?;
    let stat = bytes.get(..length).unwrap_or_default();
    let pid = stat.split(|byte| *byte == b' ').next().and_then(number);
    if pid == Some(getpid().as_raw().unsigned_abs().into()) {
        Ok(())
    } else {
        Err(ScanError::NoProc)
    }
}

fn is_own() -> bool {
    check_own().is_ok()
}

/// Rinit's children, zombies included, as good as /proc knows them: while
/// some die, others may be missing.
pub fn children() -> Result<Vec<Pid>, ScanError> {
    check_own()?;
    listed_children()
        .or_else(searched_children)
        .ok_or(ScanError::Failed)
}

/// The kernel's list (since Linux 3.5, in most kernels).
#[inline(never)] // for the buffer, as in cgroup.rs
fn listed_children() -> Option<Vec<Pid>> {
    let file = file::open(Path::new("/proc/thread-self/children")).ok()?;
    let mut children = Vec::new();
    let mut buffer = [0; 4096];
    let mut digits: Option<i32> = None;
    loop {
        let length = read(&file, &mut buffer).ok()?;
        if length == 0 {
            return Some(children);
        }
        for byte in buffer.get(..length)? {
            if let Some(digit) = char::from(*byte).to_digit(10) {
                let digit = i32::try_from(digit).ok()?;
                digits = Some(digits.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            } else if let Some(pid) = digits.take() {
                children.try_reserve(1).ok()?;
                children.push(Pid::from_raw(pid));
            }
        }
    }
}

/// Every process whose parent is rinit.
fn searched_children() -> Option<Vec<Pid>> {
    let own_pid = getpid();
    let mut children = Vec::new();
    let end = directory::visit(Path::new("/proc"), |name| {
        let pid = number(name.as_bytes()).and_then(pid);
        let is_child = |pid: &Pid| parent(*pid) == Some(own_pid);
        if let Some(child) = pid.filter(is_child) {
            if children.try_reserve(1).is_err() {
                return ControlFlow::Break(());
            }
            children.push(child);
        }
        ControlFlow::Continue(())
    });
    (end == Ok(None)).then_some(children)
}

fn parent(pid: Pid) -> Option<Pid> {
    let mut stat = [0; STAT_SIZE];
    let stat = file::read(format_args!("/proc/{pid}/stat"), &mut stat)?;
    stat_field(stat, PARENT).and_then(self::pid)
}

fn pid(number: u64) -> Option<Pid> {
    number.try_into().ok().map(Pid::from_raw)
}

/// When the process was born, and which signals it ignores.
#[inline(never)] // for the buffers, as in cgroup.rs
pub fn start_info(pid: Pid) -> Option<StartInfo> {
    let mut stat = [0; STAT_SIZE];
    let mut status = [0; STATUS_SIZE];
    let status = file::read(format_args!("/proc/{pid}/status"), &mut status)?;
    Some(StartInfo {
        started_at: stat_field(
            file::read(format_args!("/proc/{pid}/stat"), &mut stat)?,
            START_TIME,
        )?,
        ignored: signals(status, b"SigIgn:")?,
        caught: signals(status, b"SigCgt:")?,
    })
}

/// What a dead child was, until it is reaped.
pub fn zombie(pid: Pid) -> Option<Zombie> {
    let mut stat = [0; STAT_SIZE];
    let stat = file::read(format_args!("/proc/{pid}/stat"), &mut stat)?;
    Some(Zombie {
        started_at: stat_field(stat, START_TIME)?,
        session: stat_field(stat, SESSION).and_then(self::pid)?,
    })
}

/// What a process is doing.
#[inline(never)] // for the buffer, as in cgroup.rs
pub fn state(pid: Pid) -> Option<State> {
    let mut status = [0; STATUS_SIZE];
    let status = file::read(format_args!("/proc/{pid}/status"), &mut status)?;
    let number_in = |name: &[u8]| line(status, name).and_then(|text| number(text.trim_ascii()));
    let pid_in = |name| number_in(name).and_then(self::pid);
    let pending = signals(status, b"SigPnd:")?.0 | signals(status, b"ShdPnd:")?.0;
    Some(State {
        parent: pid_in(b"PPid:")?,
        code: *line(status, b"State:")?.trim_ascii().first()?,
        threads: number_in(b"Threads:")?,
        pending: Signals(pending),
        blocked: signals(status, b"SigBlk:")?,
        ignored: signals(status, b"SigIgn:")?,
        caught: signals(status, b"SigCgt:")?,
        tracer: pid_in(b"TracerPid:").unwrap_or(Pid::from_raw(0)),
        // Its pid in each namespace, from this one down (since Linux 4.1).
        is_nested_init: line(status, b"NSpid:").is_some_and(|pids| {
            let mut pids = pids.trim_ascii().split(|byte| *byte == b'\t');
            pids.clone().count() > 1 && pids.next_back() == Some(b"1")
        }),
    })
}

/// The file that the process runs, if that may be seen.
pub fn program(pid: Pid) -> Option<PathBuf> {
    let link = format!("/proc/{pid}/exe");
    nix::fcntl::readlink(link.as_str()).ok().map(PathBuf::from)
}

/// Where in the kernel the process sleeps, if that may be seen.
pub fn wait_channel(pid: Pid) -> Name {
    Name::filled_by(|buffer| file::read(format_args!("/proc/{pid}/wchan"), buffer).map(<[u8]>::len))
}

/// A child of the process's first thread.
pub fn first_child(pid: Pid) -> Option<Pid> {
    let mut list = [0; 32];
    let list = file::read(format_args!("/proc/{pid}/task/{pid}/children"), &mut list)?;
    let first = list.split(|byte| *byte == b' ').next()?;
    number(first)
        .filter(|_| !first.is_empty())
        .and_then(self::pid)
}

/// Visits each process, that one before all others, until `visit` breaks off.
pub fn each_process(first: Pid, mut visit: impl FnMut(Pid) -> ControlFlow<()>) {
    if !is_own() || visit(first).is_break() {
        return;
    }
    let _ = directory::visit(Path::new("/proc"), |name| {
        match number(name.as_bytes()).and_then(pid) {
            Some(pid) if pid != first => visit(pid),
            _ => ControlFlow::Continue(()),
        }
    });
}

/// The processes of a process group, but no more than `limit`: `None` where there
/// are more, or they cannot be seen.
pub fn members(group: Pid, limit: usize) -> Option<Vec<Pid>> {
    if !is_own() {
        return None;
    }
    let mut members = Vec::new();
    members.try_reserve_exact(limit).ok()?;
    let end = directory::visit(Path::new("/proc"), |name| {
        let pid = number(name.as_bytes()).and_then(pid);
        if let Some(pid) = pid.filter(|pid| getpgid(Some(*pid)) == Ok(group)) {
            if members.len() == limit {
                return ControlFlow::Break(());
            }
            members.push(pid);
        }
        ControlFlow::Continue(())
    });
    (end == Ok(None)).then_some(members)
}

/// Fifty-two numbers of at most twenty digits, and a name.
const STAT_SIZE: usize = 2048;
/// Some 60 lines; one of them lists the groups of the process's user.
const STATUS_SIZE: usize = 8192;

/// Fields of /proc/PID/stat, counted from 1 as in proc_pid_stat(5).
pub const PARENT: usize = 4;
const SESSION: usize = 6;
pub const START_TIME: usize = 22;
/// The first field behind the name.
const STATE: usize = 3;

/// The name is in parentheses, and may hold more of them, spaces and line feeds.
pub fn stat_field(stat: &[u8], field: usize) -> Option<u64> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let behind_name = stat.get(name_end.checked_add(2)?..)?;
    let mut fields = behind_name.split(|byte| *byte == b' ');
    number(fields.nth(field.checked_sub(STATE)?)?)
}

/// Line feeds in the name are escaped in this file: a line is a line.
fn line<'a>(status: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = status.split(|byte| *byte == b'\n');
    lines.find_map(|text| text.strip_prefix(name))
}

/// The set of signals in that line.
pub fn signals(status: &[u8], name: &[u8]) -> Option<Signals> {
    let mask = line(status, name)?;
    let mask = std::str::from_utf8(mask).ok()?.trim();
    u64::from_str_radix(mask, 16).ok().map(Signals)
}

fn number(digits: &[u8]) -> Option<u64> {
    crate::number::parse(std::str::from_utf8(digits).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_hold_what_ends_names() {
        let stat = b"12 (a) R 1 (\nb) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99";
        assert_eq!(stat_field(stat, PARENT), Some(7));
        assert_eq!(stat_field(stat, START_TIME), Some(4711));
    }

    #[test]
    fn damaged_lines_give_nothing() {
        for stat in [
            &b""[..],
            b")",
            b"1 (x",
            b"1 (x)",
            b"1 (x) ",
            b"1 (x) S",
            b"1 (x) S y",
        ] {
            assert_eq!(stat_field(stat, PARENT), None);
            assert_eq!(stat_field(stat, START_TIME), None);
        }
    }

    #[test]
    fn ignored_signals_are_read_from_their_own_line() {
        let status = b"Name:\tSigIgn:\\nx\nSigBlk:\t00000000000000ff\nSigIgn:\t0000000000001002\n";
        assert_eq!(signals(status, b"SigIgn:"), Some(Signals(0x1002)));
        assert_eq!(signals(b"Name:\tx\n", b"SigIgn:"), None);
    }

    #[test]
    fn the_own_process_is_found_by_name_and_age() {
        assert!(is_own());
        assert!(!name(getpid()).bytes().is_empty());
        assert!(start_info(getpid()).is_some_and(|info| info.started_at > 0));
        assert_eq!(name(Pid::from_raw(i32::MAX)).bytes(), b"");
        assert!(start_info(Pid::from_raw(i32::MAX)).is_none());
    }

    #[test]
    fn both_ways_to_find_children_agree() {
        let child = std::process::Command::new("sleep").arg("60").spawn();
        let mut child = child.unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        // A kernel may lack the list.
        for found in [
            searched_children(),
            listed_children().or_else(searched_children),
        ] {
            assert!(found.unwrap().contains(&pid));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
