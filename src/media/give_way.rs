//! Transfers give way to messages.
//!
//! A transfer goes as fast as disk, processor and client let it: on a fast network, four of them keep every core of a
//! small machine busy, and the disk as well. A message, which passes several threads and waits for a commit, would wait
//! behind their blocks each time. So while messages flow, all uploads together move at a limited rate, and so do all
//! downloads, and the disk is theirs for half of the time at most (see `local::turn`). The limits are above what most
//! networks carry: a phone does not notice them. While none flow there are no limits.

use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::flow::MessageFlow;
use super::pace::Pace;
use crate::telemetry::Direction;

/// Bytes a second, for each core of the machine, of all transfers in one direction while messages flow: 2 Gbit/s. On a
/// machine with 2 cores, the slowest of 100 messages beside 2 uploads and 2 downloads at this rate took 1.2 to 1.9
/// times as long as alone, and beside downloads without a limit more than 4 times.
const RATE_PER_CORE: NonZeroU64 = NonZeroU64::new(256 * 1024 * 1024).unwrap();

/// Decides when transfers go on.
#[derive(Debug)]
pub struct Governor {
    flow: Arc<MessageFlow>,
    start: Instant,
    rate: NonZeroU64,
    up: Mutex<Pace>,
    down: Mutex<Pace>,
}

impl Governor {
    /// A governor of transfers that give way to these messages.
    #[must_use]
    pub fn new(flow: Arc<MessageFlow>) -> Self {
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let cores = NonZeroU64::try_from(cores).unwrap_or(NonZeroU64::MIN);
        let rate = RATE_PER_CORE.saturating_mul(cores);
        Self { flow, start: Instant::now(), rate, up: Mutex::default(), down: Mutex::default() }
    }

    /// Returns the flow of messages to which transfers give way.
    #[must_use]
    pub fn flow(&self) -> &Arc<MessageFlow> {
        &self.flow
    }

    /// Returns whether transfers give way now.
    pub(super) fn gives_way(&self) -> bool {
        self.flow.flows()
    }

    /// Waits until so many bytes may move in this direction.
    pub async fn pace(&self, direction: Direction, bytes: u64) {
        if !self.gives_way() {
            return;
        }
        let pace = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        // A plain value, whole after any panic.
        let wait = pace.lock().unwrap_or_else(PoisonError::into_inner).take(self.start.elapsed(), bytes, self.rate);
        if wait > Duration::ZERO {
            sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn transfers_wait_only_while_messages_flow_and_not_for_those_in_the_other_direction() {
        let governor = Governor::new(Arc::default());
        let second = governor.rate.get();
        let begun = tokio::time::Instant::now();
        for _ in 0..10 {
            governor.pace(Direction::Up, second).await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "nobody writes messages");
        let _committing = governor.flow().begin();
        governor.pace(Direction::Up, second).await;
        governor.pace(Direction::Down, second).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        governor.pace(Direction::Up, second).await;
        let waited = begun.elapsed().as_millis();
        assert!((900..=1000).contains(&waited), "{waited} ms for the second that the first has taken");
    }
}
