//! `[bans]`: automatic bans of networks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lists::network_list;
use crate::config::ConfigError;
use crate::config::error::require;
use crate::domain::Network;

/// `[bans]`: automatic bans of networks.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bans {
    /// Names that fail to log in from one address within the window, before it is banned.
    pub failed_names: u32,
    /// How many times as many names it takes where users are known to log in from the network around the address.
    pub known_factor: u32,
    /// Handshakes with forged credentials from one address within the window, before it is banned.
    pub forged_handshakes: u32,
    /// The window, in seconds.
    pub window_s: u64,
    /// The length of a first ban, in seconds; each further one is twice as long.
    pub first_s: i64,
    /// The length of the longest ban, in seconds.
    pub longest_s: i64,
    /// Days after its end for which a ban counts as one before the next.
    pub forget_days: i64,
    /// Networks that are never banned.
    #[serde(deserialize_with = "network_list")]
    pub exempt: Vec<Network>,
}

impl Bans {
    /// Returns the window.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_secs(self.window_s)
    }

    /// Returns the seconds after its end for which a ban counts as one before the next.
    #[must_use]
    pub fn forget_s(&self) -> i64 {
        self.forget_days.saturating_mul(24 * 3600)
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require(self.failed_names > 0, "bans.failed_names", "must be at least 1")?;
        require(self.known_factor > 0, "bans.known_factor", "must be at least 1")?;
        require(self.forged_handshakes > 0, "bans.forged_handshakes", "must be at least 1")?;
        require(self.window_s > 0, "bans.window_s", "must be at least 1")?;
        require(self.first_s > 0, "bans.first_s", "must be at least 1")?;
        require(self.longest_s >= self.first_s, "bans.longest_s", "must be at least bans.first_s")?;
        require((0..=3650).contains(&self.forget_days), "bans.forget_days", "must be 0 to 3650")
    }
}
