//! Carries out the events of a world.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::ptr;

use nix::unistd::Uid;

use super::start::hand_over;
use super::*;
use crate::world::{Event, Key, Life, Resource, What, When};

impl Director {
    pub(super) fn carry_out(&mut self, event: Event) {
        if event.when == When::CommandHasEnded {
            self.wait_until(MOST_WAIT, |it| is_dead(&it.record.entries(), 0));
        }
        let at = now() + Duration::from_millis(event.delay_ms.into());
        self.wait_until(Duration::from_millis(event.delay_ms.into()), |_| {
            now() >= at
        });
        if self.ended {
            return;
        }
        match event.what {
            What::Signal(signal) => {
                self.record.write(None, Fact::Signals { signal });
                let _ = signal::send(self.running.pid, signal);
                self.record.write(None, Fact::Done);
            }
            // nsenter(1) stops with the process that it waits for.
            What::Hit(actor, libc::SIGSTOP) if self.world.entered(actor) => {}
            What::Hit(actor, signal) => {
                if let Some(watched) = &self.watched[actor] {
                    let pid = watched.pid;
                    self.record.write(None, Fact::Hits { actor, signal });
                    let _ = send_by(&watched.pidfd, signal);
                    if signal == libc::SIGSTOP {
                        self.wait_until(MOST_WAIT, |_| proc::is_stopped(pid));
                        if proc::is_stopped(pid) {
                            self.record.write(None, Fact::Stopped(actor));
                        }
                    }
                }
            }
            What::Enter(actor) => self.enter(actor),
            What::Key(key) => self.press(key),
            What::Starve(resource) => self.starve(resource),
            What::Feed => self.feed(),
            What::Freeze(whom, ms) => self.freeze(whom, Duration::from_millis(ms.into())),
            What::Quiet => self.watch_quiet(),
        }
        self.idle_wanted = true;
        if event.settle {
            self.wait_until(MOST_WAIT, |it| !it.idle_wanted);
            self.wait_until(Duration::from_secs(60), |it| {
                let verdict = it.judge();
                let is_due = verdict.owed.iter().any(|owed| owed.from <= now());
                !verdict.broken.is_empty() || !is_due
            });
        }
    }

    fn enter(&mut self, actor: usize) {
        let mut nsenter = Command::new("nsenter");
        nsenter
            .args([
                "--pid",
                "--mount",
                "--target",
                &self.running.pid.to_string(),
            ])
            .args((!Uid::effective().is_root()).then_some("--user"))
            .arg("--preserve-credentials")
            .arg(std::env::current_exe().expect("a program"))
            .args(["actor", &actor.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let descriptors = [self.memory.as_raw_fd(), self.theirs.as_raw_fd()];
        // SAFETY: system calls only.
        unsafe { nsenter.pre_exec(move || hand_over(&descriptors)) };
        self.record.write(None, Fact::Enters(actor));
        if let Ok(child) = nsenter.spawn() {
            self.entered.push(child);
            self.wait_until(Duration::from_secs(2), |it| {
                let is_ready = |entry: &Entry| entry.by == Some(actor) && entry.fact == Fact::Ready;
                it.record.entries().iter().any(is_ready)
            });
        }
    }

    fn press(&mut self, key: Key) {
        let Some(master) = &mut self.master else {
            return;
        };
        let signal = key.signal();
        self.record.write(None, Fact::Presses { signal });
        let byte = match key {
            Key::CtrlC => terminal::CTRL_C,
            Key::CtrlZ => terminal::CTRL_Z,
            Key::CtrlBackslash => "\x1c",
            Key::HangUp => {
                self.master = None;
                return;
            }
        };
        let _ = master.write_all(byte.as_bytes());
        // Nobody could continue COMMAND but rinit; or the director, who does not.
        if let (Key::CtrlZ, Some(command)) = (key, &self.watched[0]) {
            let pid = command.pid;
            let others_stop = self
                .world
                .events
                .iter()
                .any(|event| matches!(event.what, What::Hit(_, libc::SIGSTOP)));
            if !others_stop && self.world.actors[0].life != Life::Stopped {
                let is_stopped = |_: &Self| !proc::is_stopped(pid);
                self.wait_until(Duration::from_millis(20), |_| false);
                self.wait_until(Duration::from_secs(5), is_stopped);
                if !self.ended && proc::is_stopped(pid) {
                    self.record.write(None, Fact::StaysStopped(0));
                }
            }
        }
    }

    /// What rinit has it keeps.
    fn starve(&self, resource: Resource) {
        self.record.write(None, Fact::Starves(resource));
        match resource {
            Resource::Descriptors => self.limit(libc::RLIMIT_NOFILE, 3, 1024),
            Resource::Memory => self.limit(libc::RLIMIT_AS, 1, libc::RLIM_INFINITY),
        }
    }

    pub(super) fn feed(&self) {
        self.limit(libc::RLIMIT_NOFILE, 1024, 1024);
        self.limit(libc::RLIMIT_AS, libc::RLIM_INFINITY, libc::RLIM_INFINITY);
        self.record.write(None, Fact::Feeds);
    }

    fn limit(&self, resource: libc::__rlimit_resource_t, now: u64, most: u64) {
        let limit = libc::rlimit {
            rlim_cur: now,
            rlim_max: most,
        };
        // SAFETY: the kernel reads the limit. rinit may be gone.
        unsafe {
            libc::prlimit(
                self.running.pid,
                resource,
                &raw const limit,
                ptr::null_mut(),
            )
        };
    }

    fn freeze(&mut self, whom: Option<usize>, time: Duration) {
        let Some(freezer) = Freezer::new() else {
            return;
        };
        let actors = self.watched.iter().enumerate();
        let frozen = actors.filter(|(actor, _)| whom.is_none_or(|whom| whom == *actor));
        let pids = frozen.filter_map(|(_, watched)| watched.as_ref().map(|watched| watched.pid));
        let rinit = whom.is_none().then_some(self.running.pid);
        self.record.write(None, Fact::Freezes(whom));
        self.rinit_is_frozen = rinit.is_some();
        freezer.freeze(rinit.into_iter().chain(pids));
        let end = now() + time;
        self.wait_until(time, |_| now() >= end);
        freezer.thaw();
        self.rinit_is_frozen = false;
        self.record.write(None, Fact::Thaws);
        self.freezers.push(freezer);
    }

    fn watch_quiet(&mut self) {
        self.idle_wanted = true;
        self.wait_until(MOST_WAIT, |it| !it.idle_wanted);
        let happened = self.record.entries().len();
        let wakes = |pid| {
            proc::status(pid, "voluntary_ctxt_switches")?
                .parse::<u64>()
                .ok()
        };
        let start = now();
        let before = wakes(self.running.pid);
        self.wait_until(Duration::from_millis(60), |_| false);
        let after = wakes(self.running.pid);
        if let (Some(before), Some(after)) = (before, after) {
            if happened == self.record.entries().len() {
                let times = after - before;
                let within = now() - start;
                self.record.write(None, Fact::Woken { times, within });
            }
        }
    }
}
