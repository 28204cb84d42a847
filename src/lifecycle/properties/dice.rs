//! Draws settings and steps.

use std::time::Duration;

use super::world::{Birth, Proc, Setting, Step};
use crate::ending::Ending;
use crate::lifecycle::stop_requests::STOP_SIGNALS;
use crate::options::{ForwardTo, Options, Rewrite};
use crate::signal::{Signal, Signals};

/// Decides by the digits of a number: proptest's own strategies would take far longer than the histories.
pub struct Dice(pub u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        let rolled = self.0 % sides;
        self.0 /= sides;
        rolled
    }

    fn coin(&mut self) -> bool {
        self.roll(2) == 1
    }

    fn ending(&mut self) -> Ending {
        match self.roll(4) {
            0 => Ending::Exited(0),
            1 => Ending::Exited(self.roll(256) as u8),
            2 => Ending::Exited(128 + self.signal().number()),
            _ => Ending::Killed {
                by: self.signal(),
                core_dumped: false,
            },
        }
    }

    fn signal(&mut self) -> Signal {
        match self.roll(8) {
            0..3 => Signal::TERM,
            3 => Signal::INT,
            4 => Signal::QUIT,
            5 => Signal::HALT,
            6 => Signal::HUP,
            _ => Signal::new(self.roll(64) as i32 + 1).unwrap(),
        }
    }

    fn mask(&mut self) -> Signals {
        Signals(match self.roll(3) {
            0 => 0,
            1 => 0b110,
            // What is left of the number, stirred up.
            _ => self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        })
    }

    fn limit(&mut self) -> Option<Duration> {
        self.coin()
            .then(|| Duration::from_millis(self.roll(20_000)))
    }

    fn proc(&mut self) -> Proc {
        match self.roll(6) {
            0..4 => Proc::There,
            4 => Proc::Failing,
            _ => Proc::Absent,
        }
    }

    pub fn step(mut self) -> Step {
        match self.roll(20) {
            0..4 => Step::Signal {
                signal: self.signal(),
                for_command_alone: self.coin(),
            },
            4..8 => Step::Pass(match self.roll(4) {
                0 => self.roll(30),
                1 => self.roll(3_000),
                2 => self.roll(20_000),
                _ => 500_000 + self.roll(200_000),
            }),
            8..13 => Step::Fork(Birth {
                parent: self.roll(1_000) as usize,
                leaves_group: self.coin(),
                reads_from: if self.coin() {
                    Some(self.roll(1_000) as usize)
                } else {
                    None
                },
                unreadable: self.roll(8) == 0,
                caught: self.mask(),
                ignored: self.mask(),
            }),
            13..16 => Step::Die(self.roll(1_000) as usize, self.ending()),
            16 => Step::CommandEnds {
                ending: self.ending(),
                on_terminal: self.coin(),
            },
            17 => Step::Enter,
            18 => Step::ProcIs(self.proc()),
            _ => Step::AskFilters,
        }
    }

    pub fn setting(mut self) -> Setting {
        let mut options = Options {
            forward_to: match self.roll(3) {
                0 => ForwardTo::Command,
                1 => ForwardTo::Auto,
                _ => ForwardTo::Group,
            },
            daemon: self.roll(3) == 0,
            grace: self.limit(),
            kill_after: self.limit(),
            zero_on_stop: self.coin(),
            ..Options::default()
        };
        if self.roll(4) == 0 {
            options.expected_exits.add(self.roll(256) as u8);
        }
        if self.roll(3) == 0 {
            options.stop_signals.add(self.signal());
        }
        if self.coin() {
            let from = self.signal();
            // What rinit sends on its own is distinguished from what it forwards.
            let to = Some(self.signal()).filter(|to| ![Signal::KILL, Signal::CONT].contains(to));
            let from = if STOP_SIGNALS.contains(from) {
                from
            } else {
                Signal::TERM
            };
            options.rewrites.add(Rewrite { from, to });
        }
        // What everybody gets is distinguished from what ends them.
        for from in [Signal::KILL, Signal::CONT] {
            options.rewrites.add(Rewrite {
                from,
                to: Some(Signal::HUP),
            });
        }
        let is_pid_1 = self.coin();
        let proc = if self.roll(8) == 0 {
            Proc::Absent
        } else {
            Proc::There
        };
        Setting {
            options,
            is_pid_1,
            proc,
        }
    }
}
