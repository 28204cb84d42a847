//! What COMMAND has died of, and whether somebody wanted that.

use super::job_control::JobControl;
use crate::command::Command;
use crate::ending::Ending;
use crate::exit_code;
use crate::explain::{self, Death, Reason};
use crate::lifecycle::Guess;
use crate::message::{Message, log};
use crate::options::Options;
use crate::search::Search;
use crate::signal::Signal;
use crate::sys::cgroup::MemoryCgroup;

pub struct PostMortem<'a> {
    options: &'a Options,
    search: &'a Search,
    /// With the count of those killed before COMMAND ran.
    memory: Option<MemoryCgroup>,
}

impl<'a> PostMortem<'a> {
    pub fn new(options: &'a Options, search: &'a Search) -> Self {
        Self {
            options,
            search,
            memory: None,
        }
    }

    /// Notes how many have been killed for want of memory before COMMAND ran. It runs meanwhile,
    /// and need not wait for this. Where it has ended by now, it may be one of them, if there is any.
    pub fn note_memory(&mut self, command: &Command) {
        let memory = MemoryCgroup::find();
        let runs = || command.lives() && command.ending_of_zombie().is_none();
        self.memory = memory.filter(|memory| !memory.had_killed() || runs());
    }

    /// Explains why COMMAND ended, where that was nobody's wish and there is more to it than its status.
    pub fn explain(
        &mut self,
        ending: Ending,
        guess: Option<Guess>,
        command: &Command,
        stop_is_requested: bool,
    ) {
        if self.options.expected_exits.contains(ending.status()) {
            return;
        }
        if ending == Ending::Exited(exit_code::NOT_FOUND) {
            if let Some(failure) = explain::env::why_failed(self.search) {
                log(self.options.level, &Message::RanInVain(&failure));
            }
        }
        if guess == Some(Guess::Everybody) {
            return;
        }
        let Some(signal) = unasked_kill(ending, command, stop_is_requested) else {
            return;
        };
        if self.memory.is_none() {
            self.note_memory(command);
        }
        let reason = match ending {
            Ending::Killed { by, .. } if command.has_been_sent(by) => Reason::Forwarded,
            _ => Reason::of(signal, self.search, self.memory.as_ref()),
        };
        let is_out_of_memory = matches!(reason, Reason::OutOfMemory { .. });
        if matches!(ending, Ending::Killed { .. }) || is_out_of_memory {
            log(
                self.options.level,
                &Message::Died(&Death {
                    command: &self.search.name,
                    pid: command.pid(),
                    name: command.name(),
                    ending,
                    reason,
                }),
            );
        }
    }
}

/// Ctrl-C and Ctrl-\ go from the terminal to the whole foreground group,
/// past rinit. An exit with 130 would prove nothing: a shell that ends has
/// it from a job of its own, in another group. And a signal that was
/// forwarded, though it asks for no stop, may have been meant as one where
/// it has killed COMMAND.
pub fn guess_asked(
    ending: Ending,
    command: &Command,
    jobs: &JobControl,
    stop_is_requested: bool,
) -> Option<Guess> {
    let Ending::Killed { by, .. } = ending else {
        return None;
    };
    let is_key = matches!(by, Signal::INT | Signal::QUIT) && !command.has_been_sent(by);
    if is_key && jobs.foreground_is_command() {
        return Some(Guess::Everybody);
    }
    let was_forwarded = command.group_has_been_sent(by) && !stop_is_requested;
    was_forwarded.then_some(Guess::WhoCatches(by))
}

/// The signal that has ended COMMAND, or a process of its own, without a stop request.
pub fn unasked_kill(ending: Ending, command: &Command, stop_is_requested: bool) -> Option<Signal> {
    match ending {
        Ending::Killed { by, .. } => {
            // Apache, asked by WINCH, ends its own group by SIGTERM.
            let was_asked = stop_is_requested && (by == Signal::TERM || command.has_been_sent(by));
            let is_own_kill = by == Signal::KILL && command.has_been_sent(by);
            Some(by).filter(|_| !was_asked && !is_own_kill)
        }
        // A shell shows by its status that a process of its own was killed.
        Ending::Exited(_) => Some(Signal::KILL).filter(|kill| ending.is_answer_to(*kill)),
    }
}
