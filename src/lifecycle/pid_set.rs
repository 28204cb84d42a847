//! A set of children.

use nix::unistd::Pid;

/// Children that are not reaped yet, so that their pids cannot be used again.
#[derive(Default)]
pub struct PidSet {
    /// Sorted. The kernel lists children in the order of their birth, which
    /// makes an insertion at the end the usual one.
    pids: Vec<Pid>,
}

impl PidSet {
    pub fn contains(&self, pid: Pid) -> bool {
        self.pids.binary_search(&pid).is_ok()
    }

    /// Where no memory is left, the pid goes unremembered, which is better
    /// than an abort.
    pub fn insert(&mut self, pid: Pid) {
        if let Err(place) = self.pids.binary_search(&pid)
            && self.pids.try_reserve(1).is_ok()
        {
            self.pids.insert(place, pid);
        }
    }

    pub fn remove(&mut self, pid: Pid) {
        self.pids.retain(|other| *other != pid);
    }
}
