//! `[quota]`: how much of the server one user may take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;
use crate::domain::LimitRule;

const DAY: Duration = Duration::from_hours(24);
/// Bytes that one token of the bucket stands for.
const UNIT: u64 = 1024;

/// `[quota]`: how much of the server one user may take.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// Bytes of ciphertext, both copies counted, that a user may send a day; 0: no limit.
    pub send_bytes_per_day: u64,
    /// Messages that a user has sent and that are not gone for both sides; 0: no limit.
    pub messages_stored: u64,
}

impl Quota {
    /// Returns the numbers of the limiter `quota.send`, in KiB: a day's worth at once, then at the steady rate.
    #[must_use]
    pub fn send_rule(&self) -> Option<LimitRule> {
        let burst = u32::try_from(self.send_bytes_per_day.div_ceil(UNIT)).unwrap_or(u32::MAX);
        (burst > 0).then(|| LimitRule { burst, every: DAY / burst, fail_open: true })
    }

    /// Checks the numbers. A message has two copies of at most `copy_bytes` bytes.
    pub(in crate::config) fn validate(&self, copy_bytes: usize) -> Result<(), ConfigError> {
        let holds_one = self.send_bytes_per_day >= (copy_bytes as u64).saturating_mul(2);
        let wrong = "must hold both copies of the largest message, or be 0";
        require(self.send_bytes_per_day == 0 || holds_one, "quota.send_bytes_per_day", wrong)
    }
}
