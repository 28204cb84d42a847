//! Why a stop takes so long, in words.

use std::fmt::{self, Display, Formatter};

use super::cure;
use super::escaped::Escaped;
use super::part::INDENT;
use crate::explain::holdup::{Holdup, Holdups, Witness};
use crate::signal::Signal;

/// Who holds the stop up, the reason, and what to do about the worst.
pub struct Named<'a> {
    holdups: &'a Holdups,
    /// Between the process and the reason.
    glue: &'static str,
    /// Who gives more time.
    time: &'static str,
}

const ENGINES_TIME: &str = "docker stop -t 60, stop_grace_period: 60s (Compose), terminationGracePeriodSeconds: 60 (Kubernetes)";
const RINITS_TIME: &str = "rinit --grace 60, or --kill-after 60 if that is set";

impl<'a> Named<'a> {
    /// As sentences: `"sh" (pid 7) ignores SIGTERM`.
    pub fn sentences(holdups: &'a Holdups) -> Self {
        Self {
            holdups,
            glue: " ",
            time: ENGINES_TIME,
        }
    }

    /// As objects of a verb: `"sh" (pid 7), which ignores SIGTERM`.
    pub fn objects(holdups: &'a Holdups) -> Self {
        Self {
            holdups,
            glue: ", which ",
            time: ENGINES_TIME,
        }
    }

    /// The same of those whose time, as rinit was given it, is up.
    pub fn victims(holdups: &'a Holdups) -> Self {
        Self {
            time: RINITS_TIME,
            ..Self::objects(holdups)
        }
    }
}

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let Self {
            holdups,
            glue,
            time,
        } = *self;
        let Some(worst) = holdups.worst() else {
            return write!(
                f,
                "processes that /proc does not show{INDENT}to see which, and why: mount /proc, without hidepid"
            );
        };
        let mut separator = "";
        for witness in holdups.named.iter().flatten() {
            write!(
                f,
                "{separator}\"{}\" (pid {}){glue}",
                Escaped(witness.name.bytes()),
                witness.pid
            )?;
            add_predicate(f, witness, holdups.signal)?;
            separator = "; ";
        }
        if holdups.others > 0 {
            let at_least = if holdups.is_cut_off { "at least " } else { "" };
            write!(f, "; and {at_least}{} more", holdups.others)?;
        }
        f.write_str(INDENT)?;
        add_advice(f, worst, holdups.signal, time)
    }
}

fn add_predicate(f: &mut Formatter, witness: &Witness, signal: Signal) -> fmt::Result {
    match witness.holdup {
        Holdup::OutOfReach => f.write_str("runs as another user, and rinit may not signal it"),
        Holdup::Ignores => write!(f, "ignores {signal}"),
        Holdup::Blocks => write!(f, "blocks {signal}"),
        Holdup::Stopped => f.write_str("is stopped"),
        Holdup::TracedBy(tracer) if tracer.as_raw() == 0 => {
            f.write_str("is stopped by a debugger outside the container")
        }
        Holdup::TracedBy(tracer) => write!(f, "is stopped by its debugger (pid {tracer})"),
        Holdup::Stuck => match witness.wait_channel.bytes() {
            [] | b"0" => f.write_str("is stuck in the kernel"),
            channel => write!(f, "is stuck in the kernel (in {})", Escaped(channel)),
        },
        Holdup::NestedInit => write!(
            f,
            "is process 1 of a namespace of its own, and has no handler for {signal}"
        ),
        Holdup::OnlyCommandIsAsked => write!(
            f,
            "has not been sent {signal}, which goes to the command alone"
        ),
        Holdup::BornLater => write!(f, "was started after {signal} was sent"),
        Holdup::OutsideGroup => write!(
            f,
            "is outside the command's process group, and has not been sent {signal}"
        ),
        Holdup::AskedLast => write!(
            f,
            "reads what others write, and is sent {signal} after them"
        ),
        Holdup::Busy => write!(f, "has received {signal} but has not finished"),
        Holdup::WaitsFor(child) => write!(f, "waits for pid {child}"),
    }
}

/// `time`: who gives more of it.
fn add_advice(f: &mut Formatter, worst: &Witness, signal: Signal, time: &str) -> fmt::Result {
    let before_more_time = match worst.holdup {
        Holdup::OutOfReach => return f.write_str(cure::PERMISSION_TO_SIGNAL),
        Holdup::Ignores | Holdup::Blocks => {
            let other = if signal == Signal::INT {
                Signal::TERM
            } else {
                Signal::INT
            };
            return write!(
                f,
                "have the program handle {signal}, or send it what it does handle: rinit -r {signal}:{other}, or STOPSIGNAL {other} in the Dockerfile"
            );
        }
        Holdup::Stopped => {
            return write!(f, "continue it, in the container: kill -CONT {}", worst.pid);
        }
        Holdup::TracedBy(_) => return f.write_str("detach the debugger"),
        Holdup::Stuck => {
            return f.write_str(
                "it waits for a disk, a network file system or a device: see that it answers (on the host: dmesg); or its cgroup is frozen: docker unpause",
            );
        }
        Holdup::NestedInit => {
            return write!(
                f,
                "start it there under an init (unshare --pid --fork rinit -- app), or have it handle {signal}"
            );
        }
        Holdup::OnlyCommandIsAsked => {
            return f.write_str("to signal the whole group: rinit --forward-to group, without -c");
        }
        Holdup::BornLater | Holdup::OutsideGroup => "have its parent stop it, or ",
        Holdup::WaitsFor(_) => "have it stop what it waits for, or ",
        Holdup::Busy => "see in its log what it waits for, or ",
        Holdup::AskedLast => "",
    };
    write!(f, "{before_more_time}give it more time: {time}")
}
