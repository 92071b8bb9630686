//! What is done for files now and then: the nightly comparison, and the numbers for operators.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{MediaError, MediaService};
use crate::telemetry::metrics;

/// How often files are counted: it reads an index of all of them.
const COUNT_EVERY: Duration = Duration::from_mins(1);
/// How often files and rows are compared.
const RECONCILE_EVERY: Duration = Duration::from_hours(24);
/// Of several servers one compares. Shorter than a day, so that the next night is not left out.
const LEASE_LENGTH: Duration = Duration::from_hours(20);
const LEASE: &str = "media.reconcile";

impl MediaService {
    /// Looks after files until it is stopped.
    pub async fn upkeep(self: Arc<Self>, stop: CancellationToken) {
        let mut counts = tokio::time::interval(COUNT_EVERY);
        let first = tokio::time::Instant::now() + RECONCILE_EVERY;
        let mut nights = tokio::time::interval_at(first, RECONCILE_EVERY);
        let looking = async {
            // A server starts without its bucket, which may come later.
            if let Err(error) = self.blobs.probe().await {
                tracing::error!(error = %error, "the store of files cannot be used");
            }
            loop {
                tokio::select! {
                    _ = counts.tick() => self.count().await,
                    _ = nights.tick() => self.reconcile_nightly().await,
                }
            }
        };
        stop.run_until_cancelled(Box::pin(looking)).await;
    }

    async fn reconcile_nightly(&self) {
        match self.storage.take_lease(LEASE, LEASE_LENGTH).await {
            Ok(true) => {}
            // Another server does it.
            Ok(false) => return,
            Err(error) => return tracing::warn!(error = %error, "files and rows were not compared"),
        }
        match self.reconcile(false).await {
            Ok(found) => tracing::info!(
                orphans = found.orphans.removed,
                orphan_bytes = found.orphans.bytes,
                lost = found.lost.len(),
                "files and rows were compared"
            ),
            Err(error) => tracing::warn!(error = %error, "files and rows were not compared"),
        }
    }

    async fn count(&self) {
        if let Err(error) = self.counted().await {
            tracing::debug!(error = %error, "files were not counted");
        }
    }

    async fn counted(&self) -> Result<(), MediaError> {
        let counts = self.storage.media_counts().await?;
        for (state, count) in counts.files {
            metrics().media.files(state.name(), count);
        }
        metrics().media.stored_bytes(counts.stored_bytes);
        metrics().media.lost(counts.lost);
        Ok(())
    }
}
