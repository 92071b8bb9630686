//! `[reports]`: messages that users report.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// `[reports]`: messages that users report.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// Days after which a message cannot be reported any more.
    pub window_days: i64,
}

impl Reports {
    /// Returns for how long a message can be reported, in seconds.
    #[must_use]
    pub fn window_s(self) -> i64 {
        self.window_days.saturating_mul(24 * 3600)
    }

    pub(in crate::config) fn validate(self) -> Result<(), ConfigError> {
        require((1..=36_500).contains(&self.window_days), "reports.window_days", "must be 1 to 36500")
    }
}
