//! Who has been asked to stop.

use nix::unistd::Pid;

use super::pid_set::PidSet;
use super::stop_requests::StopRequests;
use crate::process::{Child, StartInfo};
use crate::signal::Signal;

/// Who has been asked to stop.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct Asked {
    /// By any stop request, from outside or of rinit's own.
    at_all: PidSet,
    /// By SIGTERM, as it is forwarded.
    by_term: PidSet,
    /// Those that cannot be seen.
    pub unseen: Unseen,
}

/// How those have been asked that cannot be seen.
#[derive(Clone, Copy, Default)]
#[cfg_attr(test, derive(Debug, Hash))]
pub struct Unseen {
    pub at_all: bool,
    pub by_term: bool,
}

impl Asked {
    pub fn contains(&self, pid: Pid) -> bool {
        self.at_all.contains(pid)
    }

    pub fn by_term(&self, pid: Pid) -> bool {
        self.by_term.contains(pid)
    }

    pub fn add(&mut self, pid: Pid, is_term: bool) {
        self.at_all.insert(pid);
        if is_term {
            self.by_term.insert(pid);
        }
    }

    pub fn remove(&mut self, pid: Pid) {
        self.at_all.remove(pid);
        self.by_term.remove(pid);
    }

    /// Notes a child that has been asked while COMMAND ran, with its group. `term`: what SIGTERM
    /// is forwarded as. Returns whether it has, and was not noted before.
    pub fn note_group(&mut self, child: &Child, term: Signal, requests: &StopRequests) -> bool {
        let is_news = child.in_group && !self.contains(child.pid) && requests.has_asked(child);
        if is_news {
            self.add(child.pid, requests.has_asked_by(term, child));
        }
        is_news
    }

    /// Notes that a child has been sent that signal for a stop request other than SIGTERM.
    pub fn note_sent(
        &mut self,
        signal: Signal,
        child: &Child,
        term: Signal,
        requests: &StopRequests,
    ) {
        // Before it counts as asked by this one alone.
        self.note_group(child, term, requests);
        let ignores = |info: StartInfo| info.ignored.contains(signal);
        if child.start_info.is_some_and(|info| !ignores(info)) {
            self.add(child.pid, signal == term);
        }
    }
}
