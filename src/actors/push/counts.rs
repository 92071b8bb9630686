//! What is owed to devices, as operators see it.

use std::time::Duration;

use super::PushState;
use crate::domain::{PushProvider, Timestamp};
use crate::push::ProviderState;
use crate::storage::StorageError;
use crate::telemetry::metrics;

impl PushState {
    /// Counts what is owed, for operators.
    pub(super) async fn count(&self, now: Timestamp) -> Result<(), StorageError> {
        let counts = self.args.storage.push_counts().await?;
        let mut oldest: Option<Timestamp> = None;
        for provider in PushProvider::ALL {
            let (mut active, mut suspended, mut owed) = (0, 0, 0);
            for count in counts.iter().filter(|count| count.provider == *provider) {
                *(if count.is_suspended { &mut suspended } else { &mut active }) += count.targets;
                owed += count.owed;
                oldest = oldest.into_iter().chain(count.oldest).min();
            }
            metrics().push.counted(*provider, active, suspended, owed);
        }
        let waited = oldest.map_or(0, |oldest| (now.as_micros() - oldest.as_micros()).max(0));
        metrics().push.oldest_owed(Duration::from_micros(waited.unsigned_abs()).as_secs_f64());
        for status in self.args.sender.status(now) {
            let is_open = matches!(status.state, ProviderState::Open | ProviderState::Stopped);
            metrics().push.held_back(status.provider, status.open_origins.max(usize::from(is_open)));
        }
        Ok(())
    }
}
