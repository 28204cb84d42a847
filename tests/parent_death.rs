//! With `-p` rinit hears of its parent's death.

mod common;

use std::io;
use std::ptr;

use common::{Place, Rinit, Running, at, binary, everywhere, fixture, proc, signal, wait_until};

#[test]
fn the_parents_death_arrives_as_the_signal_asked_for() {
    everywhere(|place| {
        for (option, number) in [
            ("-p TERM", 15),
            ("-pRTMIN+1", 35),
            ("--parent-death-signal=usr1", 10),
        ] {
            let rinit = match place {
                Place::Pid1 => Rinit::new(place)
                    .words(option)
                    .fixture("record command")
                    .start(),
                Place::Subreaper => beneath_a_parent(place, "", option),
            };
            let command = rinit.ready("command");
            kill(proc::parent(proc::parent(command)));
            rinit.says(&format!("command got {number} "));
        }
    });
}

#[test]
fn a_parent_that_dies_while_rinit_asks_for_the_signal_is_not_missed() {
    at(&[Place::Subreaper], |place| {
        let rinit = beneath_a_parent(place, "halt", "-p TERM");
        let parent = rinit.ready("parent");
        let [pid] = proc::children(parent)[..] else {
            panic!("a parent with one child")
        };
        // It knows its parent by then, and the kernel does not know of its wish.
        let tracer = Tracer::seize(pid);
        tracer.go_on_until_call(libc::SYS_prctl, libc::PR_SET_PDEATHSIG);
        kill(parent);
        wait_until("rinit has another parent", || proc::parent(pid) != parent);
        drop(tracer);
        rinit.says("command got 15 ");
    });
}

/// rinit whose parent is not the first process of the namespace, nor the one that the namespace ends with.
fn beneath_a_parent(place: Place, prefix: &str, option: &str) -> Running {
    let (rinit, fixture) = (binary(), fixture());
    let (rinit, command) = (rinit.display(), fixture.display());
    Rinit::program(place, &fixture)
        // The signal may come before the command is ready for it.
        .before_exec(|| signal::block(signal::set([libc::SIGTERM])))
        .words(&format!(
            "fork fork {prefix} exec {rinit} {option} -- {command} record command , sleep parent , sleep other"
        ))
        .start()
}

fn kill(pid: i32) {
    signal::send(pid, libc::SIGKILL).expect("it lives");
}

/// Follows a process through its system calls (ptrace(2)). Dropped, it lets go.
struct Tracer(i32);

impl Tracer {
    /// Takes a process that has stopped itself, and continues it.
    fn seize(pid: i32) -> Tracer {
        wait_until("it is stopped", || proc::is_stopped(pid));
        request(
            libc::PTRACE_SEIZE,
            pid,
            0,
            libc::PTRACE_O_TRACESYSGOOD as usize,
        )
        .expect("a process to trace");
        signal::send(pid, libc::SIGCONT).expect("it lives");
        Tracer(pid)
    }

    /// Lets it run up to the beginning of a system call with that first argument.
    fn go_on_until_call(&self, number: libc::c_long, argument: libc::c_int) {
        loop {
            self.wait_for_stop();
            // SAFETY: all zeros are valid; the kernel writes no more than the size that it is told.
            let info = unsafe {
                let mut info: libc::ptrace_syscall_info = std::mem::zeroed();
                let size = size_of::<libc::ptrace_syscall_info>();
                request(
                    libc::PTRACE_GET_SYSCALL_INFO,
                    self.0,
                    size,
                    &raw mut info as usize,
                )
                .expect("where it is");
                info
            };
            if info.op == libc::PTRACE_SYSCALL_INFO_ENTRY {
                // SAFETY: at an entry, that is the part of the union that was written.
                let entry = unsafe { info.u.entry };
                if entry.nr == number as u64 && entry.args[0] == argument as u64 {
                    return;
                }
            }
            request(libc::PTRACE_SYSCALL, self.0, 0, 0).expect("it goes on");
        }
    }

    fn wait_for_stop(&self) {
        let mut status = 0;
        // SAFETY: the kernel writes the status.
        let pid = unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL) };
        assert!(
            pid == self.0 && libc::WIFSTOPPED(status),
            "it ended instead: {status:x}"
        );
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = request(libc::PTRACE_DETACH, self.0, 0, 0);
    }
}

fn request(what: libc::c_uint, pid: i32, address: usize, data: usize) -> io::Result<()> {
    let address = ptr::without_provenance_mut::<libc::c_void>(address);
    let data = ptr::without_provenance_mut::<libc::c_void>(data);
    // SAFETY: the callers hand over addresses that the kernel may write to, or none.
    nix::errno::Errno::result(unsafe { libc::ptrace(what, pid, address, data) })?;
    Ok(())
}
