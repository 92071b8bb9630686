//! What the server has done within one second, small enough to be kept for a quarter of an hour.

use std::time::Duration;

use crate::actors::ActorState;
use crate::domain::Timestamp;
use crate::telemetry::ActorKind;

/// The number of kinds of actor.
pub(super) const KINDS: usize = ActorKind::ALL.len();

/// One second of the server. A number that is not known is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Second {
    /// Its end.
    pub(super) at: Timestamp,
    /// Open sockets at its end.
    pub(super) sockets: u32,
    /// Whether the server could be used at its end.
    pub(super) is_ready: bool,
    /// Whether it was stopping.
    pub(super) is_draining: bool,
    /// Messages stored.
    pub(super) messages_per_s: f32,
    /// What limiters have refused.
    pub(super) refused_per_s: f32,
    /// The time of half of the transactions of batches, at most.
    pub(super) commit_p50_ms: f32,
    /// The time of 99 of 100 of these transactions, at most.
    pub(super) commit_p99_ms: f32,
    /// Memory in use at its end, in bytes.
    pub(super) rss_bytes: Option<u64>,
    /// Processors that were busy with this program.
    pub(super) cpu_cores: f32,
    /// The wait of 99 of 100 messages in the mailboxes of each kind of actor, at most.
    pub(super) wait_p99_ms: [f32; KINDS],
    /// Each kind of actor at its end.
    pub(super) actors: [ActorRow; KINDS],
}

/// A kind of actor at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ActorRow {
    /// Whether it works.
    pub(super) state: ActorState,
    /// Messages that wait.
    pub(super) waiting: u32,
    /// The wait of the oldest of them.
    pub(super) oldest_wait_ms: u32,
}

impl Default for ActorRow {
    fn default() -> Self {
        Self { state: ActorState::Running, waiting: 0, oldest_wait_ms: 0 }
    }
}

impl Second {
    /// Returns several seconds in one: of rates and processors the mean, of times the longest, all else as it was at
    /// the end. `None` when there are none.
    pub(super) fn sum_up(seconds: &[Self]) -> Option<Self> {
        let (last, mean) = (*seconds.last()?, |of: fn(&Self) -> f32| mean(seconds.iter().map(of)));
        let longest = |of: &dyn Fn(&Self) -> f32| seconds.iter().map(of).fold(f32::NAN, f32::max);
        Some(Self {
            messages_per_s: mean(|second| second.messages_per_s),
            refused_per_s: mean(|second| second.refused_per_s),
            cpu_cores: mean(|second| second.cpu_cores),
            commit_p50_ms: longest(&|second| second.commit_p50_ms),
            commit_p99_ms: longest(&|second| second.commit_p99_ms),
            wait_p99_ms: std::array::from_fn(|kind| longest(&|second| second.wait_p99_ms[kind])),
            ..last
        })
    }
}

/// Returns the mean of the numbers that are known.
#[expect(clippy::cast_precision_loss, reason = "at most a quarter of an hour of seconds")]
fn mean(numbers: impl Iterator<Item = f32>) -> f32 {
    let known: Vec<f32> = numbers.filter(|number| !number.is_nan()).collect();
    // Of none it is NaN, too.
    known.iter().sum::<f32>() / known.len() as f32
}

/// Returns how often something has happened a second.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "for a chart")]
pub(super) fn rate(count: u64, over: Duration) -> f32 {
    (count as f64 / over.as_secs_f64()) as f32
}

/// Returns a time in milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "for a chart")]
pub(super) fn millis(time: Option<Duration>) -> f32 {
    time.map_or(f32::NAN, |time| (time.as_secs_f64() * 1000.0) as f32)
}

/// Returns a number as it is shown: to a thousandth, and nothing where it is not known.
pub(super) fn shown(number: f32) -> Option<f32> {
    number.is_finite().then(|| (number * 1000.0).round() / 1000.0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A second in which nothing has happened.
    pub(in crate::service::monitor) fn quiet(at_s: i64) -> Second {
        Second {
            at: Timestamp::from_micros(at_s * 1_000_000),
            sockets: 0,
            is_ready: true,
            is_draining: false,
            messages_per_s: 0.0,
            refused_per_s: 0.0,
            commit_p50_ms: f32::NAN,
            commit_p99_ms: f32::NAN,
            rss_bytes: None,
            cpu_cores: f32::NAN,
            wait_p99_ms: [f32::NAN; KINDS],
            actors: [ActorRow::default(); KINDS],
        }
    }

    #[test]
    fn several_seconds_have_the_mean_of_rates_the_longest_time_and_the_last_level() {
        let busy =
            Second { sockets: 3, messages_per_s: 10.0, commit_p99_ms: 4.0, wait_p99_ms: [2.0; KINDS], ..quiet(1) };
        let calm = Second { sockets: 5, messages_per_s: 5.0, commit_p99_ms: 1.0, ..quiet(2) };
        let both = Second::sum_up(&[busy, calm]).unwrap();
        assert_eq!((both.sockets, both.messages_per_s, both.commit_p99_ms), (5, 7.5, 4.0));
        assert_eq!((both.at, both.wait_p99_ms[0]), (calm.at, 2.0), "what is not known does not count");
        assert_eq!((shown(both.commit_p50_ms), shown(both.cpu_cores)), (None, None));
        assert_eq!(Second::sum_up(&[]), None);
    }

    #[test]
    fn numbers_are_shown_to_a_thousandth() {
        assert_eq!(shown(1.234_567), Some(1.235));
        assert_eq!(shown(millis(Some(Duration::from_micros(1500)))), Some(1.5));
        assert_eq!(shown(rate(7, Duration::from_secs(2))), Some(3.5));
        assert_eq!(shown(f32::INFINITY), None, "JSON has no such number");
    }
}
