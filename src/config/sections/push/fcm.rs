//! `[push.fcm]`: Firebase Cloud Messaging.

use serde::{Deserialize, Serialize};

use super::check_endpoint;
use crate::config::ConfigError;

/// `[push.fcm]`: Firebase Cloud Messaging.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fcm {
    /// The file with the key of the service account, in JSON; empty: FCM is off.
    pub service_account_file: String,
    /// Where the service is.
    pub endpoint: String,
}

impl Fcm {
    /// Returns whether devices are woken by FCM.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.service_account_file.is_empty()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        check_endpoint("push.fcm.endpoint", &self.endpoint)
    }
}
