//! Carrying out what the life cycle decides.

use super::job_control::JobControl;
use crate::command::Command;
use crate::explain::holdup::{Holdups, Request};
use crate::lifecycle::{Action, Requested};
use crate::log_filters::PendingStop;
use crate::message::{Message, log};
use crate::options::Level;

pub fn carry_out(
    level: Level,
    jobs: &JobControl,
    command: &mut Command,
    pending: Option<&PendingStop>,
    action: Action,
) {
    match action {
        Action::Send { signal, to } => command.send(signal, to),
        Action::ContinueIfStopped => jobs.continue_group(command),
        Action::AnnounceDrain => log(level, &Message::Draining),
        Action::ExplainWait(request) => {
            if let Some(holdups) = find_holdups(command, pending, request) {
                log(
                    level,
                    &if command.lives() {
                        Message::StillRunning(&holdups)
                    } else {
                        Message::Awaited(&holdups)
                    },
                );
            }
        }
        Action::NameKilled(request) => {
            if let Some(holdups) = find_holdups(command, pending, request) {
                log(level, &Message::Killed(&holdups));
            }
        }
    }
}

/// `None` where the last of them has just ended.
fn find_holdups(
    command: &Command,
    pending: Option<&PendingStop>,
    request: Requested,
) -> Option<Holdups> {
    Holdups::find(&Request {
        signal: request.signal,
        at: request.at,
        to_group: request.to_group,
        command: command.pid(),
        command_lives: command.lives(),
        is_pending_for: &|pid| pending.is_some_and(|stop| !stop.has_asked(pid)),
    })
}
