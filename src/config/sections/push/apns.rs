//! `[push.apns]`: the Apple Push Notification service.

use serde::{Deserialize, Serialize};

use super::check_endpoint;
use crate::config::ConfigError;
use crate::config::error::require;
use crate::config::sections::lists::string_list;

/// Characters of the id of a key, and of a team.
const ID_CHARS: usize = 10;

/// `[push.apns]`: the Apple Push Notification service.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Apns {
    /// The file with the key, as Apple gives it; empty: APNs is off.
    pub key_file: String,
    /// The id of the key.
    pub key_id: String,
    /// The id of the team.
    pub team_id: String,
    /// The bundle ids of the apps.
    #[serde(deserialize_with = "string_list")]
    pub topics: Vec<String>,
    /// Where the service is, for both environments; empty: at Apple's.
    pub endpoint: String,
}

impl Apns {
    /// Returns whether devices are woken by APNs.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.key_file.is_empty()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if !self.endpoint.is_empty() {
            check_endpoint("push.apns.endpoint", &self.endpoint)?;
        }
        if !self.is_on() {
            return Ok(());
        }
        let is_id = |text: &str| text.len() == ID_CHARS && text.bytes().all(|c| c.is_ascii_alphanumeric());
        require(is_id(&self.key_id), "push.apns.key_id", "must be the 10 characters by which Apple names the key")?;
        require(is_id(&self.team_id), "push.apns.team_id", "must be the 10 characters by which Apple names your team")?;
        let is_bundle =
            |text: &String| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-.".contains(&c));
        require(
            !self.topics.is_empty() && self.topics.iter().all(is_bundle),
            "push.apns.topics",
            "must name the bundle ids of your apps, such as org.example.chat",
        )
    }
}
