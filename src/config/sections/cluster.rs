//! `[cluster]`: how servers on one PostgreSQL learn of each other's batches.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// `[cluster]`: how servers on one PostgreSQL learn of each other's batches.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Time between two looks into the journal, in milliseconds.
    pub poll_ms: u64,
    /// Seconds for which the journal keeps a batch.
    pub journal_s: i64,
}

impl Cluster {
    /// Returns the time between two looks into the journal.
    #[must_use]
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require((10..=10_000).contains(&self.poll_ms), "cluster.poll_ms", "must be between 10 and 10000")?;
        // A server that was busy for a moment must find what it has missed; and what is deleted is gone within an hour.
        require((10..=3600).contains(&self.journal_s), "cluster.journal_s", "must be between 10 and 3600")
    }
}
