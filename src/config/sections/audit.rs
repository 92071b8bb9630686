//! `[audit]`: the log of what has happened to accounts and settings.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// `[audit]`: the log of what has happened to accounts and settings.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// Days after which an entry is dropped.
    pub keep_days: i64,
    /// Entries above which the oldest are dropped.
    pub keep_entries: i64,
}

impl Audit {
    /// Returns how long entries are kept, in seconds.
    #[must_use]
    pub fn keep_s(self) -> i64 {
        self.keep_days.saturating_mul(24 * 3600)
    }

    pub(in crate::config) fn validate(self) -> Result<(), ConfigError> {
        require((1..=36_500).contains(&self.keep_days), "audit.keep_days", "must be 1 to 36500")?;
        require(self.keep_entries > 0, "audit.keep_entries", "must be at least 1")
    }
}
