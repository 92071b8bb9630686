//! The right of this server among several to write to an upload.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::writers::TAKEOVER_TIMEOUT;
use super::{MediaError, MediaService};
use crate::clock::random_bytes;
use crate::domain::MediaId;
use crate::storage::{Leased, Marked};

/// Wait before another server is asked again to give an upload up.
const LEASE_RETRY: Duration = Duration::from_millis(250);
/// How often a lease is prolonged, and looked at for others who want it.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// The right, until it is given back or dropped.
pub(super) struct Lease {
    service: Arc<MediaService>,
    id: MediaId,
    pub(super) writer: i64,
    is_over: bool,
}

impl MediaService {
    /// Takes the lease of an upload, whoever has it; [`MediaError::Busy`] when that takes too long.
    pub(super) async fn lease(self: &Arc<Self>, id: MediaId) -> Result<Lease, MediaError> {
        let random = random_bytes().map_err(|error| MediaError::Internal(error.to_string()))?;
        let (writer, deadline) = (i64::from_be_bytes(random), Instant::now() + TAKEOVER_TIMEOUT);
        loop {
            match self.storage.lease_upload(id, writer, self.clock.now()).await? {
                Leased::Taken(_) => return Ok(Lease { service: self.clone(), id, writer, is_over: false }),
                Leased::Gone => return Err(MediaError::NotFound),
                Leased::Busy if Instant::now() >= deadline => return Err(MediaError::Busy),
                Leased::Busy => tokio::time::sleep(LEASE_RETRY).await,
            }
        }
    }
}

impl Lease {
    /// Prolongs the lease, and returns what became of it. When that fails, it is tried again before the lease is over.
    pub(super) async fn renew(&self) -> Option<Marked> {
        let now = self.service.clock.now();
        let renewed = self.service.storage.renew_lease(self.id, self.writer, now).await;
        renewed.inspect_err(|error| tracing::debug!(error = %error, "the lease of an upload was not prolonged")).ok()
    }

    /// Gives the lease back, so that the next request need not wait for it.
    pub(super) async fn release(mut self) {
        self.is_over = true;
        release(&self.service, self.id, self.writer).await;
    }

    /// Returns the writer, for a statement that gives the lease back.
    pub(super) fn given_back(mut self) -> i64 {
        self.is_over = true;
        self.writer
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // Another server waits for it, or takes it after 30 s. There is no runtime when the process ends.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (service, id, writer) = (self.service.clone(), self.id, self.writer);
            runtime.spawn(async move { release(&service, id, writer).await });
        }
    }
}

/// Does something that may take longer than a lease, and prolongs it meanwhile. Others who want it wait until it is
/// done.
pub(super) async fn held<T>(lease: Option<&Lease>, work: impl Future<Output = T>) -> T {
    let Some(lease) = lease else { return work.await };
    let (mut renewals, mut work) = (renewals(), std::pin::pin!(work));
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            _ = renewals.tick() => {
                lease.renew().await;
            }
        }
    }
}

/// Returns the times at which a lease is prolonged.
pub(super) fn renewals() -> Interval {
    let mut ticks = tokio::time::interval_at(Instant::now() + RENEW_EVERY, RENEW_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

async fn release(service: &MediaService, id: MediaId, writer: i64) {
    if let Err(error) = service.storage.release_lease(id, writer).await {
        tracing::debug!(error = %error, "the lease of an upload was not given back");
    }
}
