//! The state of all files, for operators.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde::Serialize;

use super::{LastReconcile, MediaError, MediaService};

/// How many files there are, and what the last comparison has found.
#[derive(Clone, Debug, Serialize)]
pub struct MediaStatus {
    /// Bytes of all files that are whole and there.
    pub bytes: u64,
    /// Files by state.
    pub files: BTreeMap<&'static str, u64>,
    /// Files whose bytes are missing.
    pub lost: u64,
    /// The last comparison with the disk by this server since its start.
    pub last_reconcile: Option<LastReconcile>,
}

impl MediaService {
    /// Returns the state of all files. It reads an index of all of them.
    pub async fn status(&self) -> Result<MediaStatus, MediaError> {
        let counts = self.storage.media_counts().await?;
        // Plain numbers are whole after any panic.
        let last_reconcile = *self.last_reconcile.lock().unwrap_or_else(PoisonError::into_inner);
        let files = counts.files.into_iter().map(|(state, count)| (state.name(), count)).collect();
        Ok(MediaStatus { bytes: counts.stored_bytes, files, lost: counts.lost, last_reconcile })
    }
}
