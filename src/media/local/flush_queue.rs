//! The order in which uploads wait until their bytes are on the disk.
//!
//! One at a time: whoever else waits for the disk, as the writer of messages, waits behind one of them. While messages
//! flow, a flush begins behind the batch that is being committed, and after it the disk is left alone for as long as it
//! was busy: a commit rarely meets one, and transfers have half of the disk.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use crate::media::give_way::Governor;

/// Longest pause after a flush: a disk that takes long for one does so without messages, too.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The queue of those who are about to flush.
pub(super) struct FlushQueue {
    one: Arc<Semaphore>,
    pub(super) governor: Arc<Governor>,
}

/// The right to flush, which ends when this is dropped.
pub(super) struct FlushPermit {
    permit: Option<OwnedSemaphorePermit>,
    governor: Arc<Governor>,
    begun: Instant,
}

impl FlushQueue {
    /// A queue that gives way to messages.
    pub(super) fn new(governor: Arc<Governor>) -> Self {
        Self { one: Arc::new(Semaphore::new(1)), governor }
    }

    /// Waits for the right to flush.
    pub(super) async fn take(&self) -> io::Result<FlushPermit> {
        let permit = self.one.clone().acquire_owned().await.map_err(io::Error::other)?;
        self.governor.flow().batch_ended().await;
        Ok(FlushPermit { permit: Some(permit), governor: self.governor.clone(), begun: Instant::now() })
    }
}

impl Drop for FlushPermit {
    fn drop(&mut self) {
        if !self.governor.gives_way() {
            return;
        }
        let pause = self.begun.elapsed().min(LONGEST_PAUSE);
        // There is no runtime when the process ends. Whoever flushed goes on meanwhile.
        if let (Some(permit), Ok(runtime)) = (self.permit.take(), Handle::try_current()) {
            runtime.spawn(async move {
                sleep(pause).await;
                drop(permit);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn flushes_come_one_by_one_and_with_pauses_while_messages_flow() {
        let queue = FlushQueue::new(Arc::new(Governor::new(Arc::default())));
        let first = queue.take().await.unwrap();
        let mut second = Box::pin(queue.take());
        assert!(poll!(&mut second).is_pending());
        drop(first);
        let mut second = second.await.unwrap();
        queue.governor.flow().note();
        // It has taken longer than any pause.
        second.begun = second.begun.checked_sub(2 * LONGEST_PAUSE).unwrap();
        let ended = tokio::time::Instant::now();
        drop(second);
        drop(queue.take().await.unwrap());
        assert_eq!(ended.elapsed(), LONGEST_PAUSE);
        let committing = queue.governor.flow().begin();
        let mut behind = Box::pin(queue.take());
        assert!(poll!(&mut behind).is_pending(), "a batch is being committed");
        drop(committing);
        assert!(behind.await.is_ok());
    }
}
