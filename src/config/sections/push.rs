//! `[push]`: waking devices.

mod apns;
mod fcm;
mod place;
mod webpush;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::ConfigError;
use crate::config::error::require;

pub use apns::Apns;
pub use fcm::Fcm;
pub use place::AllowedPlace;
pub use webpush::WebPush;

/// `[push]`: waking devices.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Whether devices are woken.
    pub enabled: bool,
    /// A file with certificates, in PEM, that are trusted besides those of the system; empty: none.
    pub ca_file: String,
    /// Most requests to providers at once.
    pub concurrency: usize,
    /// Days after which a device that was not seen is forgotten.
    pub forget_after_days: i64,
    /// Wait before a server sends a wake-up for a device that may be connected to another server, in milliseconds.
    pub cluster_grace_ms: u64,
    /// Firebase Cloud Messaging.
    pub fcm: Fcm,
    /// The Apple Push Notification service.
    pub apns: Apns,
    /// Web Push.
    pub webpush: WebPush,
}

impl Push {
    /// Returns whether devices are woken by Web Push.
    #[must_use]
    pub fn makes_webpush(&self) -> bool {
        self.enabled && self.webpush.is_on()
    }

    /// Returns the seconds after which a device that was never seen is forgotten.
    #[must_use]
    pub fn forget_after_s(&self) -> i64 {
        self.forget_after_days.saturating_mul(24 * 3600)
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require((1..=1024).contains(&self.concurrency), "push.concurrency", "must be 1 to 1024")?;
        require((1..=3650).contains(&self.forget_after_days), "push.forget_after_days", "must be 1 to 3650")?;
        require(self.cluster_grace_ms <= 60_000, "push.cluster_grace_ms", "must be at most 60000")?;
        self.fcm.validate()?;
        self.apns.validate()?;
        self.webpush.validate()
    }
}

/// Checks the URL of a provider: `https`, a host, and nothing after it.
fn check_endpoint(key: &'static str, text: &str) -> Result<(), ConfigError> {
    let is_bare = |url: &Url| {
        let has_no_user = url.username().is_empty() && url.password().is_none();
        url.scheme() == "https" && url.host().is_some() && has_no_user && url.path() == "/" && url.query().is_none()
    };
    let is_good = Url::parse(text).is_ok_and(|url| is_bare(&url) && url.fragment().is_none());
    require(is_good, key, "must be https://host or https://host:port")
}
