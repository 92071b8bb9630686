//! Pacing: the times at which messages are sent.

use crate::clock;

/// The pacing of a writer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pacing {
    /// While fewer than this number of messages are unacknowledged.
    Window(u64),
    /// At fixed times.
    Schedule {
        /// The time of its first message.
        first: u64,
        /// Messages a second of all writers in total.
        rate: u64,
        /// The number of writers, among whom messages go round.
        writers: u64,
    },
}

impl Pacing {
    /// Returns the share of writer number `pair` in a total rate.
    pub(crate) fn schedule(start: u64, rate: u32, writers: u32, pair: u32) -> Self {
        let offset = u64::from(pair) * 1_000_000_000 / u64::from(rate.max(1));
        Self::Schedule { first: start + offset, rate: rate.max(1).into(), writers: writers.into() }
    }

    /// Returns the moment at which message number `seq` was due, if that is not after `now`. `waiting` is the number of
    /// unacknowledged messages.
    pub(super) fn due(self, now: u64, seq: u64, waiting: u64) -> Option<u64> {
        match self {
            Self::Window(window) => (waiting < window).then_some(now),
            Self::Schedule { .. } => self.at(seq).filter(|&due| due <= now),
        }
    }

    /// Returns the moment at which message number `seq` is due, if that is fixed.
    pub(super) fn at(self, seq: u64) -> Option<u64> {
        let Self::Schedule { first, rate, writers } = self else { return None };
        // Computed from the number, not added up, so that nothing drifts.
        let offset = u128::from(seq) * u128::from(writers) * 1_000_000_000 / u128::from(rate);
        Some(first.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)))
    }

    /// As [`at`](Self::at), for a timer.
    pub(super) fn wake(self, seq: u64) -> Option<tokio::time::Instant> {
        self.at(seq).map(clock::instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_with_each_acknowledgement() {
        let pacing = Pacing::Window(2);
        assert_eq!((pacing.due(7, 0, 1), pacing.due(7, 1, 2), pacing.at(0)), (Some(7), None, None));
    }

    #[test]
    fn writers_share_a_rate_evenly_and_nothing_drifts() {
        let (rate, writers) = (3000, 7);
        let all = (0..writers).map(|pair| Pacing::schedule(1000, rate, writers, pair));
        let mut times: Vec<u64> = all.flat_map(|pacing| (0..3000).filter_map(move |seq| pacing.at(seq))).collect();
        times.sort_unstable();
        for (index, time) in times.iter().enumerate() {
            let exact = 1000 + index as u64 * 1_000_000_000 / 3000;
            assert!(time.abs_diff(exact) <= 2, "{index}: {time} for {exact}");
        }
    }

    #[test]
    fn late_messages_keep_the_time_for_which_they_were_meant() {
        let pacing = Pacing::schedule(0, 1000, 1, 0);
        assert_eq!((pacing.due(5_500_000, 5, 99), pacing.due(5_500_000, 6, 0)), (Some(5_000_000), None));
    }
}
