//! How a process ended, and the exit status that this makes.

use crate::exit_code;
use crate::signal::Signal;

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Ending {
    Exited(u8),
    Killed { by: Signal, core_dumped: bool },
}

impl Ending {
    /// Decodes the kernel's wait status (wait(2)). Decoded by hand, since
    /// nix knows no death by a real-time signal. `None`: not ended, but
    /// stopped or continued.
    pub fn from_wait_status(status: i32) -> Option<Self> {
        if libc::WIFEXITED(status) {
            let code = libc::WEXITSTATUS(status);
            return u8::try_from(code).ok().map(Self::Exited);
        }
        if !libc::WIFSIGNALED(status) {
            return None;
        }
        Signal::new(libc::WTERMSIG(status)).map(|by| Self::Killed {
            by,
            core_dumped: libc::WCOREDUMP(status),
        })
    }

    /// The exit status that stands for this ending, as in shells.
    pub fn status(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Killed { by, .. } => exit_code::SIGNAL_BASE.saturating_add(by.number()),
        }
    }

    /// Whether a program that `signal` asked to stop ends like this: killed by it,
    /// or with the status that a shell gives to that.
    pub fn is_answer_to(self, signal: Signal) -> bool {
        match self {
            Self::Exited(code) => code.checked_sub(exit_code::SIGNAL_BASE) == Some(signal.number()),
            Self::Killed { by, .. } => by == signal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_exit_codes_are_kept() {
        for code in 0..=255u8 {
            let ending = Ending::from_wait_status(i32::from(code) << 8);
            assert_eq!(ending, Some(Ending::Exited(code)));
            assert_eq!(ending.unwrap().status(), code);
        }
    }

    #[test]
    fn deaths_by_every_signal_are_told_apart() {
        for signal in Signal::all() {
            for core_dumped in [false, true] {
                let raw = signal.raw() | if core_dumped { 0x80 } else { 0 };
                let ending = Ending::from_wait_status(raw).unwrap();
                let by = signal;
                assert_eq!(ending, Ending::Killed { by, core_dumped });
                assert_eq!(ending.status(), 128 + signal.number());
                assert!(ending.is_answer_to(signal));
            }
        }
    }

    #[test]
    fn a_stop_or_a_continuation_is_no_ending() {
        assert_eq!(Ending::from_wait_status(0x137f), None);
        assert_eq!(Ending::from_wait_status(0xffff), None);
    }
}
