//! Killing, reaping, turns and the end.

use super::*;

impl Judge<'_> {
    /// When what is left may be killed at the earliest, and must be at the latest.
    pub(super) fn deadline(&self) -> (Option<Time>, Option<Time>) {
        let options = &self.world.options;
        let ms = |ms: u32| Duration::from_millis(ms.into());
        let first = self.stops().find(|sent| sent.signal != libc::SIGQUIT);
        let kill_after = options
            .kill_after_ms
            .and_then(|after| Some(first?.at + ms(after)));
        let kill_after_latest = options
            .kill_after_ms
            .and_then(|after| Some(first?.seen? + ms(after)));
        let died = self.history.command().died;
        let (grace, grace_latest) = if self.runs_daemons() {
            let grace = options.grace_ms.and_then(|grace| {
                let (alive, _) = died?;
                Some(first?.at.max(alive) + ms(grace))
            });
            (grace, None)
        } else {
            let asked = self.stops().next().is_some();
            let default = (!asked).then_some(DEFAULT_GRACE);
            let grace = options.grace_ms.map(ms);
            (
                // A request that comes after COMMAND's end changes nothing.
                grace
                    .or(Some(DEFAULT_GRACE))
                    .and_then(|grace| Some(died?.0 + grace)),
                grace.or(default).and_then(|grace| Some(died?.1 + grace)),
            )
        };
        let earliest = [grace, kill_after].into_iter().flatten().min();
        let latest = [grace_latest, kill_after_latest]
            .into_iter()
            .flatten()
            .min();
        (earliest, latest)
    }

    pub(super) fn killing(&mut self, actor: usize) {
        let (_, life) = self.actor(actor);
        let (earliest, latest) = self.deadline();
        let is_killed = life.ending() == Some((None, Some(libc::SIGKILL)));
        let hit = life.hit.iter().any(|(_, signal)| *signal == libc::SIGKILL);
        let ours = !self.world.entered(actor);
        if let (true, false, true, Some((_, dead))) = (is_killed, hit, ours, life.died) {
            if earliest.is_none_or(|earliest| dead < earliest) {
                let when = if self
                    .history
                    .ended
                    .is_some_and(|(at, _)| at >= dead && dead + Duration::from_millis(50) > at)
                {
                    "left alive, or killed"
                } else {
                    "killed"
                };
                self.breach(format!(
                    "killing: actor {actor} is {when} before any deadline"
                ));
            }
        }
        let (described, life) = self.actor(actor);
        if let (Some(latest), None, Some(_), true) = (latest, life.died, life.born, ours) {
            if self.history.ended.is_none() && described.place != Place::Nested {
                self.owe(latest, latest + SLACK, || {
                    format!("killing: actor {actor} lives on after the deadline")
                });
            }
        }
    }

    pub(super) fn reaping(&mut self, actor: usize) {
        let (_, life) = self.actor(actor);
        let (Some((_, dead)), None, Some(since)) = (life.died, life.reaped, life.rinits) else {
            return;
        };
        if self.history.ended.is_none() {
            let from = dead.max(since);
            self.owe(from, from + SLACK, || {
                format!("reaping: actor {actor} stays a zombie")
            });
        }
    }

    /// COMMAND's group first; what was detached before the stop request last.
    pub(super) fn turns(&mut self) {
        let Some((_, command_dead)) = self.history.command().died else {
            return;
        };
        if self.runs_daemons() || self.world.no_proc {
            return;
        }
        let first_stop = self.stops().min_by_key(|sent| sent.at);
        let turn = |actor: usize| -> Option<u8> {
            let (described, life) = (&self.world.actors[actor], &self.history.actors[actor]);
            let since = life.rinits?;
            if self.world.in_group(actor) {
                return Some(0);
            }
            match first_stop {
                None => Some(1),
                Some(stop) if since + SCAN < stop.at && described.place == Place::Daemon => Some(2),
                Some(stop)
                    if stop
                        .seen
                        .is_some_and(|seen| self.living_parent(actor, seen).is_some()) =>
                {
                    Some(1)
                }
                Some(_) => None,
            }
        };
        // Until it is, it may be of COMMAND's group, and keep a signal waiting that the group got.
        let was_ready = |actor: usize| {
            let ready = self.history.actors[actor].ready;
            ready.is_some_and(|ready| ready < command_dead)
        };
        let mut breaches = Vec::new();
        let actors = (0..self.world.actors.len()).filter(|actor| was_ready(*actor));
        for later in actors.clone() {
            let Some(asked) = self.history.actors[later].received.iter().find(|received| {
                let stops = self
                    .stops()
                    .any(|sent| sent.forwarded == Some(received.signal));
                // A signal other than SIGTERM goes to everybody at once.
                let is_turns = self.history.sent.iter().all(|sent| {
                    sent.forwarded != Some(received.signal) || sent.signal == libc::SIGTERM
                });
                is_turns
                    && (stops || received.signal == libc::SIGTERM)
                    && received.at > command_dead
            }) else {
                continue;
            };
            for earlier in actors.clone() {
                let (Some(late), Some(early)) = (turn(later), turn(earlier)) else {
                    continue;
                };
                let life = &self.history.actors[earlier];
                let is_there = life.rinits.is_some_and(|since| since <= command_dead);
                let alive = self
                    .history
                    .command()
                    .died
                    .map(|(alive, _)| alive)
                    .unwrap_or_default();
                if early < late
                    && earlier > 0
                    && is_there
                    && self.history.lives_at(earlier, asked.at)
                    && asked.at < alive + TURNS
                {
                    breaches.push(format!(
                        "turns: actor {later} is asked while actor {earlier}, whose turn is before, lives"
                    ));
                }
            }
        }
        self.verdict.broken.extend(breaches);
    }

    /// While COMMAND runs, a filter is asked to stop only when its writers are gone.
    pub(super) fn filters(&mut self) {
        for writer in 0..self.world.actors.len() {
            let Some(filter) = self.world.actors[writer].writes_to else {
                continue;
            };
            // Whose end has begun may have closed its output: that it has written to the record since is proof.
            let [life, writes] = [filter, writer].map(|actor| &self.history.actors[actor]);
            let is_told = |received: &&Received| {
                let matching = |sent: &Sent| sent.forwarded == Some(received.signal);
                let sent = self.history.sent.iter().filter(|sent| matching(sent));
                // Told for sure as one of the group, and of a stop.
                let mut sent = sent.peekable();
                sent.peek().is_some()
                    && sent.all(|sent| {
                        self.world.is_stop(sent.signal)
                            && self.surely_forwarded(sent, writer)
                            && life.ready.is_some_and(|ready| ready + TICK < sent.at)
                    })
            };
            let early = life.received.iter().filter(is_told).find(|received| {
                self.history.runs(received.at)
                    && writes.last >= received.at
                    && self
                        .history
                        .blind_since
                        .is_none_or(|since| received.at < since)
            });
            if let Some(received) = early {
                let what = format!(
                    "filters: actor {filter} gets {} while actor {writer}, which writes to it, lives",
                    received.signal
                );
                self.breach(what);
            }
        }
    }

    /// It ends when there is nothing left to wait for.
    pub(super) fn end(&mut self) {
        if self.history.ended.is_some() {
            return;
        }
        // Of those that entered, their orphans alone.
        let is_ours = |actor: &usize| {
            !self.world.entered(*actor) || self.history.actors[*actor].rinits.is_some()
        };
        let ours = (0..self.world.actors.len()).filter(is_ours);
        let lives: Vec<&Biography> = ours.map(|actor| &self.history.actors[actor]).collect();
        let all_dead = lives
            .iter()
            .all(|life| life.born.is_none() || life.died.is_some());
        let last = lives
            .iter()
            .filter_map(|life| life.died)
            .map(|(_, dead)| dead)
            .max();
        if let (true, Some(last), true) = (all_dead, last, self.history.command().died.is_some()) {
            let last = last.max(self.history.curfew.unwrap_or_default());
            self.owe(last, last + SLACK, || {
                "end: rinit goes on although nobody is left".into()
            });
        } else if let Some(curfew) = self.history.curfew {
            self.owe(curfew, curfew + SLACK * 3, || {
                "end: a process does not end by itself".into()
            });
        }
    }

    pub(super) fn quiet(&mut self) {
        let woken = self.history.woken.clone();
        for (at, times, within) in woken {
            let is_quiet = self.history.runs(at) && self.stops().all(|sent| sent.at > at);
            let rate = if is_quiet { 1.0 } else { 5.0 };
            let most = rate * (within.as_secs_f64() / 0.06).max(1.0);
            if times as f64 > most {
                self.breach(format!(
                    "idle: rinit is woken {times} times in {within:?} although nothing happens"
                ));
            }
        }
        if self.history.stays_stopped && !self.world.beside_pid_1 {
            self.breach("terminal: Ctrl-Z stops COMMAND for good".into());
        }
    }
}
