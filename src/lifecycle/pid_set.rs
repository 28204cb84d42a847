//! A set of children.

use nix::unistd::Pid;

/// Children that are not reaped yet, so that their pids cannot be used again.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, Hash))]
pub struct PidSet {
    /// A bit for each pid: half a megabyte for the largest there can be (4,194,304,
    /// proc_sys_kernel(5)), and a few words for those of a container.
    words: Vec<u64>,
}

impl PidSet {
    pub fn contains(&self, pid: Pid) -> bool {
        let (word, bit) = place(pid);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Where no memory is left, the pid goes unremembered, which is better
    /// than an abort.
    pub fn insert(&mut self, pid: Pid) {
        let (word, bit) = place(pid);
        let length = word.saturating_add(1).max(self.words.len());
        let more = length.saturating_sub(self.words.len());
        if self.words.try_reserve(more).is_ok() {
            self.words.resize(length, 0);
        }
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    pub fn remove(&mut self, pid: Pid) {
        let (word, bit) = place(pid);
        if let Some(word) = self.words.get_mut(word) {
            *word &= !bit;
        }
    }
}

/// The number of the word, and the bit in it.
fn place(pid: Pid) -> (usize, u64) {
    let number = pid.as_raw().unsigned_abs();
    let bit = 1_u64.wrapping_shl(number % u64::BITS);
    ((number / u64::BITS) as usize, bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_was_put_in_and_not_taken_out() {
        let mut set = PidSet::default();
        let pids = [1, 2, 63, 64, 65, 4_194_304].map(Pid::from_raw);
        for pid in pids {
            set.remove(pid);
            assert!(!set.contains(pid));
            set.insert(pid);
            set.insert(pid);
        }
        assert!(pids.iter().all(|pid| set.contains(*pid)));
        assert!(!set.contains(Pid::from_raw(3)));
        for pid in pids {
            set.remove(pid);
            assert!(!set.contains(pid));
        }
    }
}
