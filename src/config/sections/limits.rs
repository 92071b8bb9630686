//! `[limits]`: limits on rates.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// `[limits]`: limits on rates.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Whether limits are on at all.
    pub enabled: bool,
    /// Registrations and logins a minute from one address.
    pub auth_per_minute: u32,
    /// Logins a minute from one address with one name.
    pub logins_per_name_per_minute: u32,
    /// Header with the client's address, set by a trusted proxy.
    pub client_ip_header: String,
}

impl Limits {
    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require(self.auth_per_minute > 0, "limits.auth_per_minute", "must be at least 1")?;
        require(self.logins_per_name_per_minute > 0, "limits.logins_per_name_per_minute", "must be at least 1")?;
        require(
            self.client_ip_header.is_empty() || ::http::HeaderName::try_from(&self.client_ip_header).is_ok(),
            "limits.client_ip_header",
            "must be the name of a header",
        )
    }
}
