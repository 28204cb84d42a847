//! What is logged, where asked for, of each signal that arrives and each child that is reaped.

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::message::{Fate, Message, Sender, log};
use crate::options::{Level, Options};
use crate::process::Name;
use crate::sys::procfs;
use crate::sys::signals::Arrival;
use crate::sys::wait::{self, Reaped};

/// Whether somebody asked to see each reaping.
pub fn shows_reaping(options: &Options) -> bool {
    options.warn_on_reap || options.level >= Level::Reaping
}

/// Logs that a signal has arrived, and what becomes of it.
pub fn log_arrival(options: &Options, arrival: &Arrival, fate: Fate) {
    if options.level < Level::Signals {
        return;
    }
    let name;
    let sender = match arrival.sender {
        None => Sender::Kernel,
        Some(pid) if pid.as_raw() == 0 => Sender::Outside,
        Some(pid) => {
            name = procfs::name(pid);
            Sender::Process(pid, &name)
        }
    };
    let signal = arrival.signal;
    let message = Message::Arrived {
        signal,
        fate,
        sender,
    };
    log(options.level, &message);
}

/// Reaps a dead child by `next`, and logs that, where asked for, unless it is COMMAND.
pub fn reap_shown(
    options: &Options,
    is_command: impl Fn(Pid) -> bool,
    next: impl FnOnce() -> Result<Reaped, Errno>,
) -> Result<Reaped, Errno> {
    if !shows_reaping(options) {
        return next();
    }
    let (reaped, name) = wait::reap_seen(procfs::name, next);
    if let Ok(Reaped::Child(pid, ending)) = reaped {
        if !is_command(pid) {
            let message = Message::Reaped {
                pid,
                name: &name.unwrap_or_else(Name::unknown),
                ending,
                warn: options.warn_on_reap,
            };
            log(options.level, &message);
        }
    }
    reaped
}
