//! The scan for rinit's children.

use nix::unistd::Pid;

use crate::command::Command;
use crate::lifecycle::Details;
use crate::log_filters;
use crate::process::{Child, Input, Scan};
use crate::sys::procfs::{self, ScanError};

/// `details_of`: what to find out about one.
pub fn children(
    command: &mut Command,
    input_pipe: Option<u64>,
    details_of: impl Fn(Pid, bool) -> Details,
) -> Scan {
    let pids = match procfs::children() {
        Ok(pids) => pids,
        Err(ScanError::NoProc) => return Scan::NoProc,
        Err(ScanError::Failed) => return Scan::Failed,
    };
    let mut children = Vec::new();
    if children.try_reserve_exact(pids.len()).is_err() {
        return Scan::Failed;
    }
    for pid in pids {
        let in_group = command.is_member(pid);
        let details = details_of(pid, in_group);
        children.push(Child {
            pid,
            in_group,
            start_info: details
                .start_info
                .then(|| procfs::start_info(pid))
                .flatten(),
            input: Input::default(),
        });
    }
    let wants_input = |child: &Child| details_of(child.pid, child.in_group).input;
    log_filters::see_inputs(command, input_pipe, &mut children, wants_input);
    Scan::Found(children)
}
