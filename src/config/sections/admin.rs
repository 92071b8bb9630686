//! `[admin]`: the operators' listener.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lists::string_list;
use crate::config::error::require;
use crate::config::{ConfigError, ListenAddress};

/// `[admin]`: the operators' listener.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Address to listen on for operators.
    pub listen: ListenAddress,
    /// Names, besides IP addresses and `localhost`, under which operators reach it.
    #[serde(deserialize_with = "string_list")]
    pub hosts: Vec<String>,
    /// Milliseconds for which an actor may work on one message, or let one wait, before it counts as stuck.
    pub stuck_after_ms: u64,
    /// Bytes that must be free on the disk of a SQLite store; with less the server is not ready. 0: it does not matter.
    pub min_free_bytes: u64,
    /// Whether `/metrics` needs a token, as the admin API does.
    pub metrics_token: bool,
}

impl Admin {
    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        let is_name = |host: &String| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        require(self.hosts.iter().all(is_name), "admin.hosts", "must be names alone, without scheme and port")?;
        require((500..=600_000).contains(&self.stuck_after_ms), "admin.stuck_after_ms", "must be 500 to 600000")
    }

    /// Returns how long an actor may work on one message, or let one wait.
    #[must_use]
    pub fn stuck_after(&self) -> Duration {
        Duration::from_millis(self.stuck_after_ms)
    }
}
