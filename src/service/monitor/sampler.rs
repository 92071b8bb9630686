//! Makes seconds: the differences between what was counted now and at the last look.

use std::time::Duration;

use super::second::{ActorRow, KINDS, Second, millis, rate};
use crate::domain::Timestamp;
use crate::telemetry::{Spread, Usage};

/// The time that a second lasts.
const SECOND: Duration = Duration::from_secs(1);

/// What was counted since the start of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// Messages stored.
    pub(super) stored: u64,
    /// What limiters have refused.
    pub(super) refused: u64,
    /// What the process has used.
    pub(super) usage: Usage,
}

/// What is so at the end of a second, and what was recorded in it.
pub(super) struct Present {
    pub(super) at: Timestamp,
    pub(super) sockets: u32,
    pub(super) is_ready: bool,
    pub(super) is_draining: bool,
    /// The times of transactions of batches.
    pub(super) commits: Spread,
    /// The waits in the mailboxes of each kind of actor.
    pub(super) waits: [Spread; KINDS],
    pub(super) actors: [ActorRow; KINDS],
}

/// The last look.
pub(super) struct Sampler {
    /// The time of the first look, which begins the first second.
    start: Duration,
    last: Duration,
    totals: Totals,
    number: u64,
}

impl Sampler {
    /// Begins at this time.
    pub(super) fn new(now: Duration, totals: Totals) -> Self {
        Self { start: now, last: now, totals, number: 0 }
    }

    /// Returns the number of the second that ends about now; `None` when that is the last one still.
    pub(super) fn due(&self, now: Duration) -> Option<u64> {
        // To the nearest: a look may come a little early or late.
        let passed = now.saturating_sub(self.start).saturating_add(SECOND / 2).as_secs();
        (passed > self.number && now > self.last).then_some(passed)
    }

    /// Returns the second with this number, which [is due](Self::due).
    pub(super) fn take(&mut self, number: u64, now: Duration, totals: Totals, present: &Present) -> Second {
        let passed = now.saturating_sub(self.last);
        let before = std::mem::replace(&mut self.totals, totals);
        (self.last, self.number) = (now, number);
        let cpu = totals.usage.cpu.zip(before.usage.cpu).map(|(now, before)| now.saturating_sub(before));
        #[expect(clippy::cast_possible_truncation, reason = "for a chart")]
        let cpu_cores = cpu.map_or(f32::NAN, |cpu| (cpu.as_secs_f64() / passed.as_secs_f64()) as f32);
        Second {
            at: present.at,
            sockets: present.sockets,
            is_ready: present.is_ready,
            is_draining: present.is_draining,
            messages_per_s: rate(totals.stored.saturating_sub(before.stored), passed),
            refused_per_s: rate(totals.refused.saturating_sub(before.refused), passed),
            commit_p50_ms: millis(present.commits.quantile(0.5)),
            commit_p99_ms: millis(present.commits.quantile(0.99)),
            rss_bytes: totals.usage.rss_bytes,
            cpu_cores,
            wait_p99_ms: present.waits.each_ref().map(|waits| millis(waits.quantile(0.99))),
            actors: present.actors,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Window;

    fn totals(stored: u64, cpu_ms: u64) -> Totals {
        let usage = Usage { cpu: Some(Duration::from_millis(cpu_ms)), rss_bytes: Some(7) };
        Totals { stored, refused: stored / 10, usage }
    }

    fn present(commits: &Window) -> Present {
        Present {
            at: Timestamp::from_micros(0),
            sockets: 3,
            is_ready: true,
            is_draining: false,
            commits: commits.take(),
            waits: std::array::from_fn(|_| Window::default().take()),
            actors: [ActorRow::default(); KINDS],
        }
    }

    #[test]
    fn a_second_has_what_was_counted_since_the_last_one() {
        let span = Duration::from_millis;
        let (mut sampler, commits) = (Sampler::new(span(10_000), totals(1000, 500)), Window::default());
        assert_eq!((sampler.due(span(10_000)), sampler.due(span(10_400))), (None, None));
        commits.record(span(4));
        assert_eq!(sampler.due(span(10_990)), Some(1), "the thread is never quite on time");
        let second = sampler.take(1, span(11_000), totals(1200, 750), &present(&commits));
        assert_eq!((second.messages_per_s, second.refused_per_s, second.cpu_cores), (200.0, 20.0, 0.25));
        assert!(second.commit_p99_ms >= 4.0 && second.commit_p99_ms < 5.1, "{second:?}");
        assert_eq!((second.sockets, second.rss_bytes), (3, Some(7)));
        assert_eq!(sampler.due(span(11_300)), None);
        // The process stood still for two of them.
        assert_eq!(sampler.due(span(14_010)), Some(4));
        let second = sampler.take(4, span(14_000), totals(1500, 750), &present(&commits));
        assert_eq!((second.messages_per_s, second.cpu_cores), (100.0, 0.0));
        assert!(second.commit_p99_ms.is_nan(), "no batch was committed");
        assert_eq!(sampler.due(span(3_000)), None, "a clock that was set back waits");
    }
}
