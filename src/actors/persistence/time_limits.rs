//! How long the writer waits for the database.

use std::time::Duration;

use crate::storage::StorageError;

/// Longest time for one transaction, and for its turn; then the outcome of what was begun counts as unknown.
pub(super) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time for finding out where the store stands: what takes longer is likely a dead connection, and there may be
/// several.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Waits for a database call until `limit`, then fails with [`StorageError::TimedOut`].
pub(super) async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StorageError>>,
) -> Result<T, StorageError> {
    tokio::time::timeout(limit, call).await.unwrap_or(Err(StorageError::TimedOut))
}
