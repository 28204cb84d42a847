//! Starts rinit as a world has it.

use std::fs::File;
use std::io;
use std::os::fd::RawFd;

use crate::actor;
use crate::common::before_exec::hide;
use crate::common::{Rinit, Role, Running, seccomp};
use crate::world::{Options, To, World};

pub fn start(world: &World, terminal: Option<&File>, descriptors: [RawFd; 4]) -> Running {
    let role = if world.beside_pid_1 {
        Role::Subreaper
    } else {
        Role::Pid1
    };
    let mut rinit = Rinit::new(role)
        .words(&world.options.words())
        .arg("--")
        .arg(std::env::current_exe().expect("a program"))
        .words("actor 0");
    let another = |file: &File| file.try_clone().expect("a descriptor");
    if let Some(terminal) = terminal {
        rinit = rinit
            .stdin(another(terminal))
            .stdout(another(terminal))
            .before_exec(|| {
                // SAFETY: the request takes a number.
                match unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } {
                    0 => Ok(()),
                    _ => Err(io::Error::last_os_error()),
                }
            });
    }
    rinit = rinit.before_exec(move || hand_over(&descriptors));
    if world.no_proc {
        rinit = rinit.before_exec(|| hide("/proc"));
    }
    if world.options.forward_to == To::Tini {
        rinit = rinit.called("tini");
    }
    if world.no_pidfd {
        rinit = rinit.before_exec(|| seccomp::refuse(&[libc::SYS_pidfd_open], libc::ENOSYS));
    }
    rinit.start()
}

/// Before exec, by the numbers that actors know.
pub fn hand_over(descriptors: &[RawFd]) -> io::Result<()> {
    for (descriptor, number) in descriptors.iter().zip(actor::RECORD..) {
        // SAFETY: that number is nobody's.
        nix::errno::Errno::result(unsafe { libc::dup2(*descriptor, number) })?;
    }
    Ok(())
}

impl Options {
    pub fn words(&self) -> String {
        let mut words = String::new();
        let mut add = |word: String| words += &format!("{word} ");
        match self.forward_to {
            To::Group | To::Tini => {}
            To::Command => add("-c".into()),
            To::Auto => add("--forward-to auto".into()),
        }
        if let Some(ms) = self.grace_ms {
            add(format!("-t {ms}ms"));
        }
        if let Some(ms) = self.kill_after_ms {
            add(format!("-k {ms}ms"));
        }
        if self.daemon {
            add("-d".into());
        }
        if self.zero_on_stop {
            add("-z".into());
        }
        if let Some(code) = self.expect_exit {
            add(format!("-e {code}"));
        }
        if let Some((from, to)) = self.rewrite {
            add(format!("-r {from}:{to}"));
        }
        if let Some(signal) = self.stop_signal {
            add(format!("--stop-signal {signal}"));
        }
        words
    }
}
