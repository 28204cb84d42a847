//! Holds a process at its system calls (ptrace(2)), which is where races are decided.

use std::io;
use std::ptr;
use std::thread;
use std::time::Duration;

/// A traced process. Dropped, it goes on by itself. All must happen in one thread.
pub struct Tracer(i32);

/// A system call that is about to be made.
pub struct Entry {
    pub number: libc::c_long,
    pub arguments: [u64; 6],
}

impl Tracer {
    /// Takes a process that runs, and halts it.
    pub fn seize(pid: i32) -> Tracer {
        let options = libc::PTRACE_O_TRACESYSGOOD as usize;
        request(libc::PTRACE_SEIZE, pid, 0, options).expect("a process to trace");
        request(libc::PTRACE_INTERRUPT, pid, 0, 0).expect("a traced process");
        let tracer = Tracer(pid);
        assert!(tracer.stops(), "it has ended");
        tracer
    }

    /// Lets it run up to its next system call. `None`: it has ended before.
    pub fn next_call(&self) -> Option<Entry> {
        loop {
            self.go_on();
            if !self.stops() {
                return None;
            }
            if let Some(entry) = self.entry() {
                return Some(entry);
            }
        }
    }

    /// Lets it run up to such a call.
    pub fn go_on_until_call(&self, is_wanted: impl Fn(&Entry) -> bool) {
        while !is_wanted(&self.next_call().expect("it does not end")) {}
    }

    /// Lets it run until the condition holds.
    pub fn go_on_until(&self, condition: impl Fn() -> bool) {
        self.go_on();
        while !condition() {
            match self.wait(libc::WNOHANG) {
                Some(status) if libc::WIFSTOPPED(status) => self.go_on(),
                Some(status) => panic!("it has ended: {status:x}"),
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Lets it run until it starts a child, which is halted, while it runs on.
    pub fn child(self) -> Tracer {
        let options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEVFORK;
        request(libc::PTRACE_SETOPTIONS, self.0, 0, options as usize).expect("a traced process");
        loop {
            self.go_on();
            let status = self.wait(0).expect("it stops");
            assert!(libc::WIFSTOPPED(status), "it has ended: {status:x}");
            if status >> 16 == libc::PTRACE_EVENT_VFORK {
                break;
            }
        }
        let mut pid: libc::c_ulong = 0;
        request(libc::PTRACE_GETEVENTMSG, self.0, 0, &raw mut pid as usize).expect("a pid");
        let child = Tracer(pid.try_into().expect("a pid"));
        child.wait(0).expect("it stops");
        child
    }

    pub fn pid(&self) -> i32 {
        self.0
    }

    fn go_on(&self) {
        // A refusal: it has been killed meanwhile.
        let _ = request(libc::PTRACE_SYSCALL, self.0, 0, 0);
    }

    /// Waits until it stops or ends; returns whether it stops.
    fn stops(&self) -> bool {
        self.wait(0).is_some_and(|status| libc::WIFSTOPPED(status))
    }

    /// The status that it stops or ends with.
    fn wait(&self, options: i32) -> Option<i32> {
        let mut status = 0;
        // SAFETY: the kernel writes the status.
        let pid = unsafe { libc::waitpid(self.0, &raw mut status, libc::__WALL | options) };
        (pid == self.0).then_some(status)
    }

    /// The call at whose beginning it is.
    fn entry(&self) -> Option<Entry> {
        // SAFETY: all zeros are valid; the kernel writes no more than the size that it is told, and at an entry
        // that part of the union.
        unsafe {
            let mut info: libc::ptrace_syscall_info = std::mem::zeroed();
            let (size, place) = (size_of_val(&info), &raw mut info as usize);
            request(libc::PTRACE_GET_SYSCALL_INFO, self.0, size, place).ok()?;
            (info.op == libc::PTRACE_SYSCALL_INFO_ENTRY).then_some(Entry {
                number: info.u.entry.nr as libc::c_long,
                arguments: info.u.entry.args,
            })
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        if request(libc::PTRACE_DETACH, self.0, 0, 0).is_err() {
            // It is dead, and this is in its parent's way.
            self.wait(0);
        }
    }
}

fn request(what: libc::c_uint, pid: i32, address: usize, data: usize) -> io::Result<()> {
    let address = ptr::without_provenance_mut::<libc::c_void>(address);
    let data = ptr::without_provenance_mut::<libc::c_void>(data);
    // SAFETY: the callers hand over addresses that the kernel may write to, or none.
    nix::errno::Errno::result(unsafe { libc::ptrace(what, pid, address, data) })?;
    Ok(())
}
