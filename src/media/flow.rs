//! Whether messages flow, as far as the writer of messages has said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

/// How long messages count as flowing after the last one.
const WINDOW: Duration = Duration::from_secs(1);
/// Longest wait for the end of a batch: transfers make progress also beside a batch that hangs.
const LONGEST_BATCH: Duration = Duration::from_millis(50);

/// The flow of messages: the actors note it, and transfers look at it without asking anybody.
#[derive(Debug)]
pub struct MessageFlow {
    start: Instant,
    /// Microseconds from the start until which messages flow.
    until: AtomicU64,
    /// Whether the writer is committing messages.
    in_batch: AtomicBool,
    batch_ended: Notify,
}

/// A batch of messages that is being committed, until this is dropped.
#[must_use]
pub struct Committing(Arc<MessageFlow>);

impl Default for MessageFlow {
    fn default() -> Self {
        let (until, in_batch) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { start: Instant::now(), until, in_batch, batch_ended: Notify::new() }
    }
}

impl MessageFlow {
    /// Notes that a batch of messages is being committed. There is one at a time.
    pub fn begin(self: &Arc<Self>) -> Committing {
        self.in_batch.store(true, Ordering::Relaxed);
        Committing(self.clone())
    }

    /// Notes that there were messages just now.
    pub fn note(&self) {
        self.note_at(self.start.elapsed());
    }

    /// Returns whether messages are being committed, or there were some in the last second.
    pub(super) fn flows(&self) -> bool {
        self.flows_at(self.start.elapsed())
    }

    /// Waits until the batch of messages that is being committed now is, if there is one, but not for long. There may
    /// be another one then.
    pub(super) async fn batch_ended(&self) {
        let mut ended = std::pin::pin!(self.batch_ended.notified());
        // Before the look, so that an end in between is heard.
        ended.as_mut().enable();
        if self.in_batch.load(Ordering::Relaxed) {
            // Late is as good as ended.
            let _ = timeout(LONGEST_BATCH, ended).await;
        }
    }

    fn note_at(&self, now: Duration) {
        let until = u64::try_from((now + WINDOW).as_micros()).unwrap_or(u64::MAX);
        self.until.store(until, Ordering::Relaxed);
    }

    fn flows_at(&self, now: Duration) -> bool {
        let until = Duration::from_micros(self.until.load(Ordering::Relaxed));
        self.in_batch.load(Ordering::Relaxed) || now < until
    }
}

impl Drop for Committing {
    fn drop(&mut self) {
        self.0.note();
        self.0.in_batch.store(false, Ordering::Relaxed);
        self.0.batch_ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[test]
    fn messages_flow_while_they_are_committed_and_a_second_longer() {
        let flow = Arc::new(MessageFlow::default());
        assert!(!flow.flows(), "there were none");
        flow.note_at(Duration::from_secs(5));
        assert!(flow.flows_at(Duration::from_millis(5999)));
        assert!(!flow.flows_at(Duration::from_secs(6)));
        let committing = flow.begin();
        assert!(flow.flows_at(Duration::from_hours(1)), "a batch may take long");
        drop(committing);
        let ended = flow.start.elapsed();
        assert!(flow.flows_at(ended) && !flow.flows_at(ended + WINDOW));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_batch_goes_on_at_its_end_or_when_it_hangs() {
        let flow = Arc::new(MessageFlow::default());
        flow.batch_ended().await;
        let committing = flow.begin();
        let mut waiting = Box::pin(flow.batch_ended());
        assert!(poll!(&mut waiting).is_pending());
        drop(committing);
        assert!(poll!(&mut waiting).is_ready());
        let _hangs = flow.begin();
        let begun = tokio::time::Instant::now();
        flow.batch_ended().await;
        assert_eq!(begun.elapsed(), LONGEST_BATCH);
    }
}
