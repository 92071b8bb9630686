//! Credit: what a socket needs before its next message may enter a mailbox.
//!
//! ractor's mailboxes are unbounded, so their bound is here: a message carries its permits and gives them back when it has
//! been committed or refused. A socket without credit is not read, and TCP holds its client back.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes a permit stands for: a semaphore counts at most 2^61 permits, an acquisition 2^32.
const UNIT: usize = 1024;

/// Bytes that the messages of all sockets together may occupy before their commit.
#[derive(Clone, Debug)]
pub struct InFlightBytes {
    units: Arc<Semaphore>,
    total: usize,
}

impl InFlightBytes {
    /// At most `bytes`, rounded up to KiB.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let total = bytes.div_ceil(UNIT);
        Self { units: Arc::new(Semaphore::new(total)), total }
    }
}

/// The credit of one socket.
#[derive(Debug)]
pub struct Credits {
    messages: Arc<Semaphore>,
    total: usize,
    bytes: InFlightBytes,
}

/// The right to have one message on its way. Given back on drop.
#[derive(Debug)]
pub struct Credit {
    _message: OwnedSemaphorePermit,
    bytes: Option<OwnedSemaphorePermit>,
}

impl Credits {
    /// `messages` at once, out of the bytes of all.
    #[must_use]
    pub fn new(messages: usize, bytes: InFlightBytes) -> Self {
        Self { messages: Arc::new(Semaphore::new(messages)), total: messages, bytes }
    }

    /// Waits until one more message may be read. Cancel-safe.
    pub async fn reserve(&self) -> Credit {
        loop {
            // Nobody closes the semaphore, so this is the first turn of the loop and the last.
            if let Ok(permit) = self.messages.clone().acquire_owned().await {
                return Credit { _message: permit, bytes: None };
            }
        }
    }

    /// Waits until there is room for a message of `bytes`.
    pub async fn fill(&self, credit: &mut Credit, bytes: usize) {
        let units = bytes.div_ceil(UNIT).min(self.bytes.total);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        credit.bytes = self.bytes.units.clone().acquire_many_owned(units).await.ok();
    }

    /// Waits until no message of this socket is on its way any more. Cancel-safe.
    pub async fn settled(&self) {
        let all = u32::try_from(self.total).unwrap_or(u32::MAX);
        let _ = self.messages.acquire_many(all).await;
    }
}

impl Credit {
    /// Whether bytes were reserved.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.bytes.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test(start_paused = true)]
    async fn credit_comes_back_on_drop() {
        let credits = Credits::new(2, InFlightBytes::new(10 * UNIT));
        let first = credits.reserve().await;
        let _second = credits.reserve().await;
        assert!(timeout(SOON, credits.reserve()).await.is_err());
        drop(first);
        assert!(timeout(SOON, credits.reserve()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_shared_between_sockets_and_never_lock_up() {
        let bytes = InFlightBytes::new(4 * UNIT);
        let (a, b) = (Credits::new(9, bytes.clone()), Credits::new(9, bytes));
        let (mut one, mut two) = (a.reserve().await, b.reserve().await);
        a.fill(&mut one, 3 * UNIT).await;
        assert!(timeout(SOON, b.fill(&mut two, 2 * UNIT)).await.is_err());
        drop(one);
        // More than there is in all: gets all.
        assert!(timeout(SOON, b.fill(&mut two, 99 * UNIT)).await.is_ok());
        assert!(two.is_filled());
    }

    #[tokio::test(start_paused = true)]
    async fn settled_waits_for_all() {
        let credits = Credits::new(3, InFlightBytes::new(UNIT));
        let one = credits.reserve().await;
        assert!(timeout(SOON, credits.settled()).await.is_err());
        drop(one);
        assert!(timeout(SOON, credits.settled()).await.is_ok());
    }
}
