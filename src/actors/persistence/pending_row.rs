//! The wait for the row of `store`, where other servers write to it as well: the batch is formed when the row is held,
//! so it has all that has come meanwhile.

use std::sync::Arc;
use std::time::Instant;

use tokio_util::task::AbortOnDropHandle;

use super::messages::PersistenceMsg;
use super::time_limits::{TRANSACTION_TIMEOUT, within};
use crate::actors::mailbox::Mailbox;
use crate::clock::Clock;
use crate::storage::{HeldRow, Storage, StorageError};

/// A row that is waited for, or was given already. Dropped, it is given back.
pub(super) struct PendingRow {
    /// When the wait began.
    pub(super) since: Instant,
    waiting: AbortOnDropHandle<Result<HeldRow, StorageError>>,
}

/// Tells the writer that the wait is over, however it has ended.
struct Signal(Mailbox<PersistenceMsg>);

impl Drop for Signal {
    fn drop(&mut self) {
        self.0.cast(PersistenceMsg::RowHeld);
    }
}

impl PendingRow {
    /// Begins to wait beside the writer, which gets [`PersistenceMsg::RowHeld`] behind what has come until then.
    pub(super) fn wait_for(storage: Arc<Storage>, clock: Clock, writer: Mailbox<PersistenceMsg>) -> Self {
        let signal = Signal(writer);
        let waiting = async move {
            let _signal = signal;
            Box::pin(within(TRANSACTION_TIMEOUT, storage.hold_row(&clock))).await
        };
        Self { since: Instant::now(), waiting: AbortOnDropHandle::new(tokio::spawn(waiting)) }
    }

    /// Waits for the row.
    ///
    /// # Panics
    ///
    /// When the wait has panicked, so that the writer fails as if it had waited itself.
    pub(super) async fn held(self) -> Result<HeldRow, StorageError> {
        match self.waiting.await {
            Ok(held) => held,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only a runtime that ends cancels it.
                Err(_) => Err(StorageError::TimedOut),
            },
        }
    }
}
