//! `[push]`: waking devices whose apps sleep.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// `[push]`: waking devices.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Whether devices are woken by the providers that are configured.
    pub enabled: bool,
    /// A file of further certification authorities for providers, in PEM; empty: those that are built in alone.
    pub ca_file: String,
    /// Requests to providers at once.
    pub concurrency: usize,
    /// Days after which a device that was never seen is forgotten.
    pub forget_after_days: i64,
    /// Milliseconds for which a wake-up waits where a device may be connected to another server.
    pub cluster_grace_ms: u64,
}

impl Push {
    /// Returns the seconds after which a device that was never seen is forgotten.
    #[must_use]
    pub fn forget_after_s(&self) -> i64 {
        self.forget_after_days.saturating_mul(24 * 3600)
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require((1..=1024).contains(&self.concurrency), "push.concurrency", "must be 1 to 1024")?;
        require((1..=3650).contains(&self.forget_after_days), "push.forget_after_days", "must be 1 to 3650")?;
        require(self.cluster_grace_ms <= 60_000, "push.cluster_grace_ms", "must be at most 60000")
    }
}
