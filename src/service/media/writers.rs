//! One writer an upload: a newer request stops the older one and goes on where that one ends.
//!
//! A phone that loses its connection leaves a request behind that is still waiting for bytes. If it kept the upload to
//! itself, the phone would be locked out by its own past.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::domain::MediaId;

/// Longest wait for the older request to end.
pub(super) const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(5);

/// The uploads of this server that are being written.
#[derive(Default)]
pub(super) struct Writers(Mutex<HashMap<MediaId, Slot>>);

struct Slot {
    writing: Arc<tokio::sync::Mutex<()>>,
    stop: CancellationToken,
    /// Since when the writer has waited for its client; `None` while it works.
    waits_since: Option<Instant>,
    /// Requests that write or wait.
    requests: usize,
    /// Those that wait.
    waiting: usize,
}

/// The right to write to an upload, until it is dropped.
pub(super) struct UploadGuard {
    writers: Arc<Writers>,
    id: MediaId,
    stop: CancellationToken,
    _held: OwnedMutexGuard<()>,
}

/// A request that waits until it may write.
struct Waiting {
    writers: Arc<Writers>,
    id: MediaId,
    got_it: bool,
}

impl Writers {
    /// Stops whoever writes, and waits for the right to write; `None` when that takes too long.
    pub(super) async fn take_over(self: &Arc<Self>, id: MediaId) -> Option<UploadGuard> {
        let writing = {
            let mut slots = self.lock();
            let slot = slots.entry(id).or_insert_with(Slot::new);
            slot.stop.cancel();
            slot.requests += 1;
            slot.waiting += 1;
            slot.writing.clone()
        };
        let mut request = Waiting { writers: self.clone(), id, got_it: false };
        let held = timeout(TAKEOVER_TIMEOUT, writing.lock_owned()).await.ok()?;
        let stop = CancellationToken::new();
        let mut slots = self.lock();
        let slot = slots.get_mut(&id)?;
        slot.waiting -= 1;
        slot.waits_since = None;
        slot.stop = stop.clone();
        if slot.waiting > 0 {
            // A newer one waits already.
            stop.cancel();
        }
        request.got_it = true;
        Some(UploadGuard { writers: self.clone(), id, stop, _held: held })
    }

    /// Takes the right to write if nobody writes or waits.
    pub(super) fn take_if_free(self: &Arc<Self>, id: MediaId) -> Option<UploadGuard> {
        let mut slots = self.lock();
        if slots.contains_key(&id) {
            return None;
        }
        let mut slot = Slot::new();
        slot.requests = 1;
        let (stop, held) = (slot.stop.clone(), slot.writing.clone().try_lock_owned().ok()?);
        slots.insert(id, slot);
        Some(UploadGuard { writers: self.clone(), id, stop, _held: held })
    }

    /// Returns how long the upload's writer has waited for its client; `None` when nobody writes.
    pub(super) fn silence(&self, id: MediaId) -> Option<Duration> {
        self.lock().get(&id).map(|slot| slot.waits_since.map_or(Duration::ZERO, |since| since.elapsed()))
    }

    /// Stops the writer of an upload.
    pub(super) fn stop(&self, id: MediaId) {
        if let Some(slot) = self.lock().get(&id) {
            slot.stop.cancel();
        }
    }

    /// Stops all writers.
    pub(super) fn stop_all(&self) {
        self.lock().values().for_each(|slot| slot.stop.cancel());
    }

    fn leave(&self, id: MediaId, waited: bool) {
        let mut slots = self.lock();
        if let Some(slot) = slots.get_mut(&id) {
            slot.requests -= 1;
            slot.waiting -= usize::from(waited);
            if slot.requests == 0 {
                slots.remove(&id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<MediaId, Slot>> {
        // Changed in single steps, whole after any panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn new() -> Self {
        Self { writing: Arc::default(), stop: CancellationToken::new(), waits_since: None, requests: 0, waiting: 0 }
    }
}

impl UploadGuard {
    /// Returns what is cancelled when a newer request wants to go on, or nobody may any more.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Notes that the writer waits for its client, or has bytes and works: a slow disk is not the client's silence.
    pub(super) fn waits(&self, waits: bool) {
        if let Some(slot) = self.writers.lock().get_mut(&self.id) {
            slot.waits_since = waits.then(|| slot.waits_since.unwrap_or_else(Instant::now));
        }
    }
}

impl Drop for UploadGuard {
    fn drop(&mut self) {
        self.writers.leave(self.id, false);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.got_it {
            self.writers.leave(self.id, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: MediaId = MediaId([7; 16]);

    #[tokio::test(start_paused = true)]
    async fn the_newest_request_writes_and_the_others_are_stopped() {
        let writers: Arc<Writers> = Arc::default();
        let first = writers.take_over(ID).await.unwrap();
        assert!(!first.stop.is_cancelled());
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(writers.silence(ID), Some(Duration::ZERO), "it works");
        first.waits(true);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(writers.silence(ID), Some(Duration::from_secs(3)));
        first.waits(false);
        assert_eq!(writers.silence(ID), Some(Duration::ZERO));
        let waits = |writers: &Arc<Writers>| {
            let writers = writers.clone();
            tokio::spawn(async move { writers.take_over(ID).await })
        };
        assert!(writers.take_if_free(ID).is_none() && !first.stop.is_cancelled());
        let second = waits(&writers);
        first.stop().cancelled().await;
        let third = waits(&writers);
        tokio::task::yield_now().await;
        drop(first);
        let second = second.await.unwrap().unwrap();
        assert!(second.stop.is_cancelled(), "a third one waits");
        drop(second);
        let third = third.await.unwrap().unwrap();
        assert!(!third.stop.is_cancelled());
        assert!(writers.take_over(ID).await.is_none(), "it does not end in time");
        third.stop().cancelled().await;
        drop(third);
        assert_eq!(writers.silence(ID), None);
        drop(writers.take_if_free(ID).unwrap());
        assert!(writers.lock().is_empty());
    }
}
