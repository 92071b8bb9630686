//! Pages of large messages: read in several steps, one page at a time, and with rests between the steps.
//!
//! A client that asks for nothing but large pages takes a part of one core and the memory of one page from all others,
//! however many are asked for at once.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep, timeout};

use crate::storage::{Storage, StorageError};

/// The rest after a step, as a multiple of the time that the step took: a third of one core is left for large pages.
const REST: u32 = 2;
/// The longest rest. A step that took longer has waited for others.
const LONGEST_REST: Duration = Duration::from_millis(20);

/// The steps of one page.
pub(in crate::storage) struct LargePage<'a> {
    storage: &'a Storage,
    permit: Option<SemaphorePermit<'a>>,
    step_began: Instant,
}

impl Storage {
    /// Begins the first step of a page.
    pub(in crate::storage) fn page_steps(&self) -> LargePage<'_> {
        LargePage { storage: self, permit: None, step_began: Instant::now() }
    }
}

impl LargePage<'_> {
    /// Waits until one more step may be made: before the second one, until no other page is read in several steps.
    /// [`StorageError::TimedOut`] when that takes too long.
    pub(in crate::storage) async fn next(&mut self) -> Result<(), StorageError> {
        let rest = (self.step_began.elapsed() * REST).min(LONGEST_REST);
        if self.permit.is_none() {
            let waited = timeout(self.storage.wait, self.storage.large_pages.acquire()).await;
            // The semaphore is never closed.
            self.permit = waited.map_err(|_| StorageError::TimedOut)?.ok();
        }
        sleep(rest).await;
        self.step_began = Instant::now();
        Ok(())
    }

    /// Returns whether all was read in one step.
    pub(in crate::storage) fn was_one(&self) -> bool {
        self.permit.is_none()
    }
}

#[cfg(test)]
mod tests;
