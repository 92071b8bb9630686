//! How long messages were on their way and what they waited for, by the second in which they were due.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::clock;
use crate::latency::Latencies;
use crate::marked_frame::Mark;

/// Nanoseconds in a second.
pub(super) const SECOND: u64 = 1_000_000_000;
/// What is as good as before: twice the p99 of before, and anything up to so many milliseconds.
const GOOD_MS: f64 = 100.0;
/// How often phones are counted.
const COUNT_EVERY: Duration = Duration::from_millis(100);

/// What has come, and how many phones there were.
#[derive(Default)]
pub(super) struct Timeline {
    came: Mutex<Vec<Came>>,
    /// When each message was sent for the first time, and since when its sender had a socket.
    sent: Mutex<HashMap<String, Sent>>,
    /// Phones that have a socket, and those of them that have caught up.
    open: AtomicI64,
    live: AtomicI64,
    counts: Mutex<Vec<(u64, Phones)>>,
}

/// The sending of a message.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: u64,
    open_since: u64,
}

/// The socket that a message has come by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arrival {
    /// When it was opened.
    pub(super) open_since: u64,
    /// When it had caught up; `None` while it has not.
    pub(super) live_since: Option<u64>,
}

/// The moments of a message: when it was due, when both sides had sockets, when both had caught up and it was sent, and
/// when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Came {
    due: u64,
    online: u64,
    live: u64,
    at: u64,
}

/// How many phones there are.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Phones {
    open: i64,
    live: i64,
}

/// What the messages waited for that were due in one second, as p99 in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Second {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// … until sender and receiver had sockets.
    offline_p99_ms: f64,
    /// … then until both had caught up, and it was sent.
    catching_up_p99_ms: f64,
    /// … and then until it came.
    relay_p99_ms: f64,
    /// The phones in the middle of the second.
    #[serde(flatten)]
    phones: Phones,
}

impl Came {
    fn new(due: u64, sent: Sent, arrival: Arrival, at: u64) -> Self {
        let online = due.max(sent.open_since).max(arrival.open_since).min(at);
        let live = online.max(sent.at).max(arrival.live_since.unwrap_or(at)).min(at);
        Self { due, online, live, at }
    }
}

impl Timeline {
    /// Notes now and then how many phones there are.
    pub(super) async fn count_phones(&self) {
        let mut ticks = tokio::time::interval(COUNT_EVERY);
        loop {
            ticks.tick().await;
            let phones = Phones { open: self.open.load(Relaxed), live: self.live.load(Relaxed) };
            lock(&self.counts).push((clock::now(), phones));
        }
    }

    /// Notes that a phone has a socket, or that it has none any more.
    pub(super) fn is_open(&self, more: i64) {
        self.open.fetch_add(more, Relaxed);
    }

    /// Notes that a phone has caught up, or that it is gone.
    pub(super) fn is_live(&self, more: i64) {
        self.live.fetch_add(more, Relaxed);
    }

    /// Notes that a message is sent for the first time, on a socket that was opened at `open_since`.
    pub(super) fn sends(&self, mark: &str, open_since: u64) {
        lock(&self.sent).insert(mark.to_owned(), Sent { at: clock::now(), open_since });
    }

    /// Notes that a message has come.
    pub(super) fn note(&self, mark: Mark, arrival: Arrival) {
        let (due, now) = (mark.intended, clock::now());
        let sent = lock(&self.sent).get(&mark.to_string()).copied();
        let came = Came::new(due, sent.unwrap_or(Sent { at: due, open_since: due }), arrival, now);
        lock(&self.came).push(came);
    }

    /// What was noted of each of `count` seconds from a moment on.
    pub(super) fn seconds(&self, from: u64, count: usize) -> Result<Vec<Second>> {
        let (came, counts) = (lock(&self.came), lock(&self.counts));
        let second = |start: u64| {
            let is_in = |at: u64| (start..start + SECOND).contains(&at);
            let mut parts = [Latencies::new()?, Latencies::new()?, Latencies::new()?, Latencies::new()?];
            for Came { due, online, live, at } in came.iter().copied().filter(|came| is_in(came.due)) {
                let spans = [(due, at), (due, online), (online, live), (live, at)];
                parts.iter_mut().zip(spans).for_each(|(part, (from, to))| part.note(from, to));
            }
            let phones = counts.iter().find(|(at, _)| *at >= start + SECOND / 2).map(|(_, phones)| *phones);
            let [total, offline, catching_up, relay] = parts.map(|part| part.summary());
            anyhow::Ok(Second {
                p50_ms: total.p50,
                p99_ms: total.p99,
                offline_p99_ms: offline.p99,
                catching_up_p99_ms: catching_up.p99,
                relay_p99_ms: relay.p99,
                phones: phones.unwrap_or_default(),
            })
        };
        (0..).map(|number| from + number * SECOND).take(count).map(second).collect()
    }
}

impl std::fmt::Display for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { p50_ms, p99_ms, offline_p99_ms, catching_up_p99_ms, relay_p99_ms, phones } = self;
        let Phones { open, live } = phones;
        write!(
            f,
            "p50 {p50_ms:6.0} p99 {p99_ms:6.0} ms (until both have sockets {offline_p99_ms:6.0}, have caught up \
             {catching_up_p99_ms:6.0}, it comes {relay_p99_ms:6.0}); {open:5} phones have sockets, {live:5} are live"
        )
    }
}

fn lock<T>(noted: &Mutex<T>) -> MutexGuard<'_, T> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The worst p99 of these seconds.
pub(super) fn worst(p99: &[f64]) -> f64 {
    p99.iter().copied().fold(0.0, f64::max)
}

/// How many seconds it took from the beginning of `after` until every p99 was as good as `before`, in milliseconds.
pub(super) fn seconds_until_good(before: f64, after: &[f64]) -> usize {
    let good = GOOD_MS.max(2.0 * before);
    after.iter().rposition(|p99| *p99 > good).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_is_twice_as_before_or_a_tenth_of_a_second() {
        assert_eq!(seconds_until_good(10.0, &[900.0, 99.0, 101.0, 50.0]), 3);
        assert_eq!(seconds_until_good(80.0, &[159.0, 161.0, 150.0]), 2);
        assert_eq!(seconds_until_good(10.0, &[]), 0);
        assert!((worst(&[3.0, 9.0, 1.0]) - 9.0).abs() < 1e-9);
    }

    #[test]
    fn a_message_counts_for_the_second_in_which_it_was_due() {
        let timeline = Timeline::default();
        let sent = Sent { at: 12 * SECOND, open_since: 11 * SECOND };
        let arrival = Arrival { open_since: 10 * SECOND, live_since: Some(14 * SECOND) };
        lock(&timeline.came).push(Came::new(17 * SECOND / 2, sent, arrival, 17 * SECOND));
        let seconds = timeline.seconds(15 * SECOND / 2, 2).unwrap();
        let [before, second] = seconds.as_slice() else { panic!("{seconds:?}") };
        let is_about = |ms: f64, expected: f64| (ms - expected).abs() < 10.0;
        assert!(is_about(second.p99_ms, 8_500.0) && before.p99_ms < 1e-9, "{seconds:?}");
        assert!(is_about(second.offline_p99_ms, 2_500.0), "{seconds:?}");
        assert!(is_about(second.catching_up_p99_ms, 3_000.0), "{seconds:?}");
        assert!(is_about(second.relay_p99_ms, 3_000.0), "{seconds:?}");
    }

    #[test]
    fn what_comes_on_a_socket_that_catches_up_waits_for_that() {
        let sent = Sent { at: 20, open_since: 10 };
        let came = Came::new(15, sent, Arrival { open_since: 40, live_since: None }, 70);
        assert_eq!(came, Came { due: 15, online: 40, live: 70, at: 70 });
    }
}
