//! What `-w`, `-vv` and `-vvv` show: signals with their senders, and the
//! names of the dead.

use nix::errno::Errno;
use nix::unistd::Pid;

use crate::message::{Fate, Message, Sender, log};
use crate::options::{Level, Options};
use crate::process::Name;
use crate::sys::procfs;
use crate::sys::reap::{self, Reaped};
use crate::sys::signals::Arrival;

/// Says that a signal has arrived, and what becomes of it.
pub fn arrival(options: &Options, arrival: &Arrival, fate: Fate) {
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

/// Whether somebody asked to see each reaping.
pub fn shows_reaping(options: &Options) -> bool {
    options.warn_on_reap || options.level >= Level::Reaping
}

/// Reaps a dead child by `next`, and says so unless it is COMMAND, which
/// `is_command` tells.
pub fn reap(
    options: &Options,
    is_command: impl Fn(Pid) -> bool,
    next: impl FnOnce() -> Result<Reaped, Errno>,
) -> Result<Reaped, Errno> {
    let shown = shows_reaping(options);
    // The name goes with the zombie.
    let peeked = shown.then(reap::peek).flatten();
    let peeked = peeked.map(|pid| (pid, procfs::name(pid)));
    let reaped = next();
    if let (true, Ok(Reaped::Child(pid, ending))) = (shown, &reaped) {
        if !is_command(*pid) {
            // Another one may have died since.
            let name = peeked.filter(|(peeked, _)| peeked == pid);
            let message = Message::Reaped {
                pid: *pid,
                name: &name.map_or_else(Name::unknown, |(_, name)| name),
                ending: *ending,
                warn: options.warn_on_reap,
            };
            log(options.level, &message);
        }
    }
    reaped
}
