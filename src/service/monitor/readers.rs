//! Those who follow the server as it works: what each of them is told, in which order.
//!
//! Nobody waits for a reader: it takes what is new from the history and from the notices when it is ready for that. So
//! the history itself is its queue. Whoever is more than [`BEHIND`] ticks behind misses the oldest of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Monitor;
use super::history::{History, Series, Tick};
use super::notices::Notice;
use super::overview::Overview;
use super::second::{ActorRow, Second};
use crate::telemetry::ActorKind;

/// Readers at once.
pub(super) const READERS: usize = 16;
/// Ticks that wait for a reader at most.
const BEHIND: u64 = 8;
/// A reader is told so often that the server is there, when there is nothing else.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The time between two seconds of the history.
const SECOND: Duration = Duration::from_secs(1);

/// Why nobody else can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFollowed {
    /// There are as many readers as there may be.
    TooMany,
    /// The server is stopping.
    Draining,
}

/// What a reader is told.
#[derive(Debug)]
pub enum LiveEvent {
    /// First: all there is.
    Snapshot(Box<Snapshot>),
    /// What is new; the number of the second.
    Tick(u64, Box<Tick>),
    /// Something has happened.
    Notice(Notice),
    /// There is nothing new.
    KeepAlive,
    /// Last: the server is stopping.
    Bye,
}

/// What a reader is told first.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    /// The server at a glance.
    pub overview: Overview,
    /// The last notices, oldest first.
    pub notices: Vec<Notice>,
    /// The last quarter of an hour.
    pub history: Series,
}

/// One who follows the server. Dropped, it makes room for another one.
pub struct Reader {
    monitor: Arc<Monitor>,
    every: Duration,
    /// How far it has come; none before the snapshot.
    seen: Option<Progress>,
    seconds: watch::Receiver<u64>,
    notices: watch::Receiver<u64>,
    waiting: VecDeque<Notice>,
    drain: CancellationToken,
    has_ended: bool,
    _permit: OwnedSemaphorePermit,
}

/// How far a reader has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    /// The number of the last second that it was told of.
    second: u64,
    /// How many notices there were then.
    notices: u64,
}

impl Progress {
    /// Returns the number of the last of `step` new seconds, and their sum, when there are as many; and advances to it.
    fn advance(&mut self, history: &History, step: u64) -> Option<(u64, Second)> {
        let newest = history.newest();
        self.second = newest.saturating_sub(step.saturating_mul(BEHIND)).max(self.second);
        while newest >= self.second.saturating_add(step) {
            let after = self.second;
            self.second = after.saturating_add(step);
            // Nothing was measured while the process stood still.
            if let Some(sum) = history.sum(after, self.second) {
                return Some((self.second, sum));
            }
        }
        None
    }
}

impl Monitor {
    /// Lets somebody follow the server, with a tick every `every`: above a second, rounded up to whole ones.
    pub fn follow(self: &Arc<Self>, every: Duration) -> Result<Reader, NotFollowed> {
        let drain = self.health.gate().drain().clone();
        if drain.is_cancelled() {
            return Err(NotFollowed::Draining);
        }
        let permit = self.readers.clone().try_acquire_owned().map_err(|_| NotFollowed::TooMany)?;
        Ok(Reader {
            monitor: self.clone(),
            every,
            seen: None,
            seconds: self.history.follow(),
            notices: self.notices.follow(),
            waiting: VecDeque::new(),
            drain,
            has_ended: false,
            _permit: permit,
        })
    }
}

impl Monitor {
    /// Returns the kinds of actor that this server has.
    fn kinds(&self) -> Vec<ActorKind> {
        self.health.kinds().collect()
    }
}

impl Reader {
    /// Waits for what comes next; `None` after the end.
    pub async fn next(&mut self) -> Option<LiveEvent> {
        if self.has_ended {
            return None;
        }
        let Some(mut seen) = self.seen else {
            return Some(LiveEvent::Snapshot(Box::new(Box::pin(self.snapshot()).await)));
        };
        loop {
            if self.waiting.is_empty() {
                let (new, count) = self.monitor.notices.after(seen.notices);
                self.waiting.extend(new);
                seen.notices = count;
            }
            let tick = if self.waiting.is_empty() { self.tick(&mut seen) } else { None };
            self.seen = Some(seen);
            if let Some(notice) = self.waiting.pop_front() {
                return Some(LiveEvent::Notice(notice));
            }
            if tick.is_some() {
                return tick;
            }
            if self.drain.is_cancelled() {
                self.has_ended = true;
                return Some(LiveEvent::Bye);
            }
            match timeout(KEEP_ALIVE, self.something()).await {
                Ok(true) => {
                    if let Some(tick) = self.present() {
                        return Some(tick);
                    }
                }
                Ok(false) => {}
                Err(_) => return Some(LiveEvent::KeepAlive),
            }
        }
    }

    /// Waits until there may be something new. Returns whether it is time for a tick within the second.
    async fn something(&mut self) -> bool {
        let is_fast = self.every < SECOND;
        let (every, drain) = (self.every, &self.drain);
        tokio::select! {
            () = drain.cancelled() => false,
            _ = self.notices.changed() => false,
            _ = self.seconds.changed(), if !is_fast => false,
            () = sleep(every), if is_fast => true,
        }
    }

    async fn snapshot(&mut self) -> Snapshot {
        let overview = self.monitor.overview().await;
        let (notices, count) = self.monitor.notices.after(0);
        let (history, newest) = self.monitor.history.series(&self.monitor.kinds(), overview.at);
        self.seen = Some(Progress { second: newest, notices: count });
        Snapshot { overview, notices, history }
    }

    /// Returns the next tick that is due.
    fn tick(&self, seen: &mut Progress) -> Option<LiveEvent> {
        if self.every < SECOND {
            return None;
        }
        let step = self.every.as_millis().div_ceil(SECOND.as_millis()).try_into().unwrap_or(u64::MAX);
        let (number, second) = seen.advance(&self.monitor.history, step)?;
        Some(LiveEvent::Tick(number, Box::new(Tick::of(&second, &self.monitor.kinds()))))
    }

    /// Returns the last second once more, with the actors as they are now.
    fn present(&self) -> Option<LiveEvent> {
        let (monitor, newest) = (&self.monitor, self.monitor.history.newest());
        let mut last = monitor.history.last()?;
        for kind in monitor.health.kinds() {
            last.actors[kind as usize] = ActorRow::of(&monitor.health.counted(kind), monitor.health.state(kind));
        }
        Some(LiveEvent::Tick(newest, Box::new(Tick::of(&last, &monitor.kinds()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::monitor::second::tests::quiet;

    /// Seconds with these numbers, each with as many sockets.
    fn history(numbers: impl Iterator<Item = u32>) -> History {
        let history = History::default();
        for number in numbers {
            history.push(number.into(), Second { sockets: number, messages_per_s: 2.0, ..quiet(number.into()) });
        }
        history
    }

    /// What a reader that has seen the second `from` is told, each with its number and its sockets.
    fn told(history: &History, from: u64, step: u64) -> Vec<(u64, u32)> {
        let mut progress = Progress { second: from, notices: 0 };
        let next = || progress.advance(history, step).map(|(number, second)| (number, second.sockets));
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn a_reader_is_told_of_each_new_second_once() {
        let history = history(1..=5);
        assert_eq!(told(&history, 3, 1), [(4, 4), (5, 5)]);
        assert_eq!(told(&history, 5, 1), []);
        assert_eq!(told(&history, 0, 2), [(2, 2), (4, 4)], "the fifth waits for the sixth");
    }

    #[test]
    fn a_reader_that_is_too_slow_misses_the_oldest() {
        let history = history(1..=100);
        let numbers: Vec<u64> = told(&history, 3, 1).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, (93..=100).collect::<Vec<_>>());
        let numbers: Vec<u64> = told(&history, 3, 10).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, [30, 40, 50, 60, 70, 80, 90, 100]);
    }

    #[test]
    fn nobody_is_told_of_seconds_in_which_the_process_stood_still() {
        let history = history([1, 2, 7].into_iter());
        assert_eq!(told(&history, 0, 1), [(1, 1), (2, 2), (7, 7)]);
        assert_eq!(told(&history, 0, 3), [(3, 2)], "those that there are make the tick");
    }
}
