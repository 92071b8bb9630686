//! `[messages]`: how long messages and tombstones are kept.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// Seconds of a day.
const DAY_S: i64 = 24 * 60 * 60;

/// `[messages]`: how long messages and tombstones are kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Days until a message is destroyed; 0: never.
    pub retention_days: u32,
    /// Time between two runs of retention, in seconds.
    pub retention_every_s: u64,
    /// Days until a tombstone or an event is dropped.
    pub keep_days: u32,
    /// Time between two rounds of the janitor, in milliseconds.
    pub clear_every_ms: u64,
}

impl Messages {
    /// Returns the seconds until a message is destroyed; `None`: never.
    #[must_use]
    pub fn retention(&self) -> Option<i64> {
        (self.retention_days > 0).then(|| i64::from(self.retention_days) * DAY_S)
    }

    /// Returns the time between two runs of retention.
    #[must_use]
    pub fn retention_every(&self) -> Duration {
        Duration::from_secs(self.retention_every_s)
    }

    /// Returns the seconds until a tombstone or an event is dropped.
    #[must_use]
    pub fn keep_deleted_s(&self) -> i64 {
        i64::from(self.keep_days) * DAY_S
    }

    /// Returns the time between two rounds of the janitor.
    #[must_use]
    pub fn clear_every(&self) -> Duration {
        Duration::from_millis(self.clear_every_ms)
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require(self.keep_days > 0, "messages.keep_days", "must be at least 1")?;
        require(self.clear_every_ms > 0, "messages.clear_every_ms", "must be at least 1")
    }
}
