//! `[push.webpush]`: Web Push, for browsers and UnifiedPush.

use serde::{Deserialize, Serialize};
use url::Url;

use super::AllowedPlace;
use super::place::place_list;
use crate::config::ConfigError;
use crate::config::error::require;

/// `[push.webpush]`: Web Push.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebPush {
    /// Whether Web Push is used when there is a contact.
    pub enabled: bool,
    /// `mailto:` or `https://` of the operators, which services are told; empty: Web Push is off.
    pub contact: String,
    /// The file with the key that services know this server by; empty for the one in the data directory.
    pub vapid_key_file: String,
    /// Places that are not on the public internet, and are allowed all the same.
    #[serde(deserialize_with = "place_list")]
    pub allow: Vec<AllowedPlace>,
}

impl WebPush {
    /// Returns whether devices are woken by Web Push.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.enabled && !self.contact.is_empty()
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let key = "push.webpush.contact";
        require(
            self.contact.is_empty() || is_contact(&self.contact),
            key,
            "must be mailto: with an address, or an https:// page (RFC 8292 §2.1)",
        )?;
        require(
            !is_local(&self.contact),
            key,
            "must be at a domain that others can reach: Apple's service refuses every wake-up from localhost",
        )
    }
}

fn is_contact(text: &str) -> bool {
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return false;
    }
    match text.strip_prefix("mailto:") {
        Some(address) => email_address::EmailAddress::is_valid(address),
        None => Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.host().is_some()),
    }
}

/// Whether the host of the contact is this machine's own name for itself.
fn is_local(text: &str) -> bool {
    let host = match text.strip_prefix("mailto:") {
        Some(address) => address.rsplit('@').next().unwrap_or_default().to_owned(),
        None => Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_mail_address_or_a_page_that_others_can_reach() {
        let refused = |contact: &str| {
            let allow = Vec::new();
            let section = WebPush { enabled: true, contact: contact.into(), vapid_key_file: String::new(), allow };
            section.validate().err().map(|error| error.to_string())
        };
        for good in ["", "mailto:ops@example.org", "https://example.org/contact", "mailto:a+b@xn--bcher-kva.example"] {
            assert_eq!(refused(good), None, "{good}");
        }
        for bad in
            ["ops@example.org", "mailto:", "mailto:ops", "http://example.org", "https://", "mailto:a b@c.example"]
        {
            assert!(refused(bad).unwrap().contains("RFC 8292"), "{bad}");
        }
        for local in ["mailto:admin@localhost", "https://localhost/", "https://127.0.0.1", "mailto:a@x.localhost"] {
            assert!(refused(local).unwrap().contains("others can reach"), "{local}");
        }
    }
}
