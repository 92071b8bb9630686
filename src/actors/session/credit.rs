//! Credit: the permits that a socket must have before its next message may enter a mailbox.
//!
//! ractor's mailboxes are unbounded, so their bound is here: a message carries its permits and gives them back when its
//! reply has been written. A socket without credit is not read, and TCP holds its client back. So a socket's own
//! replies can never overflow its queue.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::telemetry::ReadAt;

/// Bytes that one permit stands for: a semaphore counts at most 2^61 permits, an acquisition 2^32.
const UNIT: usize = 1024;

/// Bytes that the messages of all sockets together may occupy before their commit.
#[derive(Clone, Debug)]
pub struct InFlightBytes {
    units: Arc<Semaphore>,
    total: usize,
}

impl InFlightBytes {
    /// Allows at most `bytes` bytes, rounded up to KiB.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let total = bytes.div_ceil(UNIT);
        Self { units: Arc::new(Semaphore::new(total)), total }
    }

    /// Waits for room for `bytes` bytes; a message larger than the total takes the total.
    async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.units.clone().acquire_many_owned(self.units_of(bytes)).await.ok()
    }

    /// Takes room as [`take`](Self::take) does, but only if there is room now and no other message waits for it.
    fn try_take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        self.units.clone().try_acquire_many_owned(self.units_of(bytes)).ok()
    }

    fn units_of(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT).min(self.total)).unwrap_or(u32::MAX)
    }
}

/// The credit of one socket.
#[derive(Clone, Debug)]
pub struct Credits {
    messages: Arc<Semaphore>,
    total: usize,
    own_bytes: InFlightBytes,
    all_bytes: InFlightBytes,
}

/// The right to have one message on its way until its reply is written. Given back on drop.
#[derive(Debug)]
pub struct Credit {
    /// When the message was read, of one whose delivery is timed.
    read_at: Option<ReadAt>,
    _message: OwnedSemaphorePermit,
    bytes: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl Credit {
    /// Notes that the message is read now, so that its delivery is timed.
    pub fn note_read(&mut self) {
        self.read_at = Some(ReadAt::now());
    }

    /// When the message was read, if its delivery is timed.
    pub(in crate::actors) fn read_at(&self) -> Option<ReadAt> {
        self.read_at
    }

    /// Gives back the room of a command that is stored; only its reply is still on its way.
    pub(in crate::actors) fn release_bytes(&mut self) {
        self.bytes = None;
    }
}

impl Credits {
    /// Makes credit for `messages` at once, of at most `own_bytes` bytes in total, which count towards `all_bytes`.
    #[must_use]
    pub fn new(messages: usize, own_bytes: usize, all_bytes: InFlightBytes) -> Self {
        let own_bytes = InFlightBytes::new(own_bytes);
        Self { messages: Arc::new(Semaphore::new(messages)), total: messages, own_bytes, all_bytes }
    }

    /// Waits until one more message may be read. Cancel-safe.
    pub async fn reserve(&self) -> Credit {
        loop {
            // The semaphore is never closed, so the loop runs once.
            if let Ok(permit) = self.messages.clone().acquire_owned().await {
                return Credit { read_at: None, _message: permit, bytes: None };
            }
        }
    }

    /// Takes room as [`fill`](Self::fill) does, without waiting. Returns the credit as it was when there is no room at
    /// once.
    pub fn try_fill(&self, mut credit: Credit, bytes: usize) -> Result<Credit, Credit> {
        let own = self.own_bytes.try_take(bytes);
        let all = own.as_ref().and_then(|_| self.all_bytes.try_take(bytes));
        credit.bytes = own.zip(all);
        if credit.bytes.is_some() { Ok(credit) } else { Err(credit) }
    }

    /// Waits until there is room for a message of `bytes` bytes. Room comes from commits and from the socket's own
    /// replies being written, so the socket must be written meanwhile.
    pub async fn fill(self, mut credit: Credit, bytes: usize) -> Credit {
        let own = self.own_bytes.take(bytes).await;
        let all = self.all_bytes.take(bytes).await;
        credit.bytes = own.zip(all);
        credit
    }

    /// Returns how many messages are on their way, those that are reserved for among them.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.total.saturating_sub(self.messages.available_permits())
    }

    /// Waits until no message of this socket is on its way but the one that is reserved for. Cancel-safe.
    pub async fn alone(&self) {
        let others = u32::try_from(self.total.saturating_sub(1)).unwrap_or(u32::MAX);
        let _ = self.messages.acquire_many(others).await;
    }

    /// Waits until every message of this socket has its reply and all replies are written. Cancel-safe.
    pub async fn settled(&self) {
        let all = u32::try_from(self.total).unwrap_or(u32::MAX);
        let _ = self.messages.acquire_many(all).await;
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
        let credits = Credits::new(2, 10 * UNIT, InFlightBytes::new(10 * UNIT));
        let first = credits.reserve().await;
        let _second = credits.reserve().await;
        assert!(timeout(SOON, credits.reserve()).await.is_err());
        drop(first);
        assert!(timeout(SOON, credits.reserve()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_are_shared_between_sockets_and_never_lock_up() {
        let all = InFlightBytes::new(4 * UNIT);
        let (a, b) = (Credits::new(9, 99 * UNIT, all.clone()), Credits::new(9, 99 * UNIT, all));
        let one = a.clone().fill(a.reserve().await, 3 * UNIT).await;
        let mut two = Box::pin(b.clone().fill(b.reserve().await, 2 * UNIT));
        assert!(timeout(SOON, &mut two).await.is_err());
        drop(one);
        drop(timeout(SOON, two).await.unwrap());
        // More than there is in all: gets all.
        assert!(timeout(SOON, b.clone().fill(b.reserve().await, 99 * UNIT)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_socket_cannot_take_all_bytes() {
        let credits = Credits::new(9, 2 * UNIT, InFlightBytes::new(100 * UNIT));
        let one = credits.clone().fill(credits.reserve().await, 2 * UNIT).await;
        assert!(timeout(SOON, credits.clone().fill(credits.reserve().await, UNIT)).await.is_err());
        drop(one);
        assert!(timeout(SOON, credits.clone().fill(credits.reserve().await, UNIT)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn settled_waits_for_all() {
        let credits = Credits::new(3, UNIT, InFlightBytes::new(UNIT));
        let one = credits.reserve().await;
        assert!(timeout(SOON, credits.settled()).await.is_err());
        drop(one);
        assert!(timeout(SOON, credits.settled()).await.is_ok());
    }
}
