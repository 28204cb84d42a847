//! A signal as the kernel numbers it. nix's enum stops at 31; real-time
//! signals, and the two that libc keeps for itself, are signals all the same.

use std::fmt;

use signal_hook::low_level::signal_name;

use crate::number;

/// A signal that the kernel knows: 1 to 64 (signal(7)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Signal(u8);

/// Names that signal-hook does not know: signals of Linux only, and synonyms.
const FURTHER_NAMES: &[(&str, i32)] = &[
    ("SIGPWR", libc::SIGPWR),
    #[cfg(not(any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "sparc",
        target_arch = "sparc64"
    )))]
    ("SIGSTKFLT", libc::SIGSTKFLT),
    ("SIGCLD", libc::SIGCHLD),
    ("SIGPOLL", libc::SIGIO),
    ("SIGIOT", libc::SIGABRT),
    ("SIGUNUSED", libc::SIGSYS),
];

impl Signal {
    pub const HUP: Self = Self::constant(libc::SIGHUP);
    pub const INT: Self = Self::constant(libc::SIGINT);
    pub const QUIT: Self = Self::constant(libc::SIGQUIT);
    pub const KILL: Self = Self::constant(libc::SIGKILL);
    pub const PIPE: Self = Self::constant(libc::SIGPIPE);
    pub const TERM: Self = Self::constant(libc::SIGTERM);
    pub const CHLD: Self = Self::constant(libc::SIGCHLD);
    pub const CONT: Self = Self::constant(libc::SIGCONT);
    pub const STOP: Self = Self::constant(libc::SIGSTOP);
    pub const TSTP: Self = Self::constant(libc::SIGTSTP);
    pub const TTIN: Self = Self::constant(libc::SIGTTIN);
    pub const TTOU: Self = Self::constant(libc::SIGTTOU);
    pub const XFSZ: Self = Self::constant(libc::SIGXFSZ);
    pub const PWR: Self = Self::constant(libc::SIGPWR);
    /// The first real-time signal that programs may use: the kernel's first
    /// is 32, but libc keeps that one and the next for its threads.
    pub const RTMIN: Self = Self(34);
    /// systemd's request to halt, which Podman sends to a container of it.
    pub const HALT: Self = Self(37);
    /// The last signal.
    pub const RTMAX: Self = Self(64);

    /// The constants of libc are in range; `as` is the only cast that a
    /// constant may use.
    const fn constant(number: i32) -> Self {
        Self(number as u8)
    }

    /// The signal of that number, if there is one.
    pub fn new(number: i32) -> Option<Self> {
        u8::try_from(number)
            .ok()
            .filter(|number| (1..=Self::RTMAX.0).contains(number))
            .map(Self)
    }

    /// The kernel's number, 1 to 64.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The kernel's number as system calls take it.
    pub fn raw(self) -> i32 {
        i32::from(self.0)
    }

    /// signal(7).
    pub fn kills_by_default(self) -> bool {
        const HARMLESS: Signals = Signals::of(&[
            Signal::CHLD,
            Signal::CONT,
            Signal::STOP,
            Signal::TSTP,
            Signal::TTIN,
            Signal::TTOU,
            Signal::constant(libc::SIGURG),
            Signal::constant(libc::SIGWINCH),
        ]);
        !HARMLESS.contains(self)
    }

    /// Every signal.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::RTMAX.0).map(Self)
    }

    /// Reads a name with or without `SIG` in any case, a number from 1 to 64,
    /// `RTMIN+n` or `RTMAX-n`.
    pub fn parse(word: &str) -> Option<Self> {
        if let Some(number) = number::parse(word) {
            return Self::new(number.try_into().ok()?);
        }
        let word = word.to_ascii_uppercase();
        let name = word.strip_prefix("SIG").unwrap_or(&word);
        Self::parse_real_time(name).or_else(|| Self::parse_name(name))
    }

    fn parse_real_time(name: &str) -> Option<Self> {
        let parse_offset = |digits| i32::try_from(number::parse(digits)?).ok();
        let number = if name == "RTMIN" {
            Self::RTMIN.raw()
        } else if name == "RTMAX" {
            Self::RTMAX.raw()
        } else if let Some(offset) = name.strip_prefix("RTMIN+") {
            Self::RTMIN.raw().checked_add(parse_offset(offset)?)?
        } else {
            let offset = name.strip_prefix("RTMAX-")?;
            Self::RTMAX.raw().checked_sub(parse_offset(offset)?)?
        };
        Self::new(number).filter(|signal| *signal >= Self::RTMIN)
    }

    fn parse_name(name: &str) -> Option<Self> {
        let is_name = |full: &str| full.strip_prefix("SIG") == Some(name);
        Self::all()
            .find(|signal| signal_name(signal.raw()).is_some_and(is_name))
            .or_else(|| {
                let (_, number) = FURTHER_NAMES.iter().find(|(full, _)| is_name(full))?;
                Self::new(*number)
            })
    }
}

/// A set of signals, as /proc/PID/status has them: bit n - 1 stands for signal n.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Hash)]
pub struct Signals(pub u64);

impl Signals {
    pub const fn of(mut signals: &[Signal]) -> Self {
        let mut bits = 0;
        while let [first, others @ ..] = signals {
            bits |= Self::bit(*first);
            signals = others;
        }
        Self(bits)
    }

    pub fn add(&mut self, signal: Signal) {
        self.0 |= Self::bit(signal);
    }

    pub fn contains(self, signal: Signal) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    const fn bit(signal: Signal) -> u64 {
        1_u64.wrapping_shl((signal.0 as u32).wrapping_sub(1))
    }
}

impl fmt::Display for Signal {
    /// `SIGTERM`, `SIGRTMIN+3`; a signal that has no name by its number, `SIG32`.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        if let Some(name) = signal_name(self.raw()) {
            return formatter.write_str(name);
        }
        let further = FURTHER_NAMES
            .iter()
            .find(|(_, number)| *number == self.raw());
        match (further, self.0.checked_sub(Self::RTMIN.0)) {
            (Some((name, _)), _) => formatter.write_str(name),
            (None, Some(0)) => formatter.write_str("SIGRTMIN"),
            (None, Some(offset)) => write!(formatter, "SIGRTMIN+{offset}"),
            (None, None) => write!(formatter, "SIG{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_with_or_without_sig() {
        for word in ["TERM", "term", "SIGTERM", "sigterm", "SigTerm", "15"] {
            assert_eq!(Signal::parse(word), Some(Signal::TERM), "{word}");
        }
    }

    #[test]
    fn real_time_signals_count_from_34_and_from_64() {
        for (word, number) in [
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("rtmin+30", 64),
            ("RTMAX", 64),
            ("RTMAX-30", 34),
            ("32", 32),
        ] {
            assert_eq!(Signal::parse(word), Signal::new(number), "{word}");
        }
    }

    #[test]
    fn what_is_no_signal_is_refused() {
        for word in [
            "", "0", "65", "-1", "SIG", "TERMS", "RTMIN+31", "RTMIN-1", "RTMIN+", "RTMIN+-1",
            "RTMAX-31", "RTMAX+1", "RTMAX--1", "9999", "+15", "RTMIN++1", " 15", "TERM ",
        ] {
            assert_eq!(Signal::parse(word), None, "{word:?}");
        }
    }

    #[test]
    fn every_signal_prints_as_a_word_that_reads_back() {
        for signal in Signal::all() {
            let word = signal.to_string();
            assert!(word.starts_with("SIG"), "{word}");
            if signal.number() != 32 && signal.number() != 33 {
                assert_eq!(Signal::parse(&word), Some(signal), "{word}");
            }
        }
    }
}
