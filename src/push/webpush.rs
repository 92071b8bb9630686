//! Web Push (RFC 8030): browsers, and UnifiedPush, whose messages are the same.

mod answer;
mod encryption;
mod vapid;

use std::sync::Arc;

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use super::guard::{Guard, GuardedResolver, LookUp, Way};
use super::http::{Patience, client, exchange};
use super::verdict::Verdict;
use super::{PushError, Unusable, payload};
use crate::config::Config;
use crate::domain::{PushOutcome, Timestamp, Wake};
use answer::judge;
use encryption::{AUTH, encrypt, is_point};
pub(super) use vapid::Vapid;
pub use vapid::{rotate_vapid, vapid_public_key};

/// Seconds for which a service keeps an urgent wake-up for a device that is off: four weeks, as with the others.
const TTL_URGENT_S: u32 = 28 * 24 * 3600;
/// Seconds for which it keeps one that may wait.
const TTL_NORMAL_S: u32 = 24 * 3600;
/// A service keeps one push of a topic (RFC 8030 §5.4).
const TOPIC: &str = "wake";

/// The sender of Web Push.
pub(super) struct WebPush {
    vapid: Vapid,
    guard: Guard,
    /// For hosts that users name.
    guarded: Client,
    /// For places that an operator allows.
    allowed: Client,
}

impl WebPush {
    /// Makes the sender, and at the first start its key.
    pub(super) fn open(config: &Config, patience: Patience, look_up: Arc<dyn LookUp>) -> Result<Self, PushError> {
        let guard = Guard::of(config);
        let resolver = Arc::new(GuardedResolver::new(look_up, guard.blocks()));
        Ok(Self {
            vapid: Vapid::load(config)?,
            guarded: client(&config.push, patience, Some(resolver))?,
            allowed: client(&config.push, patience, None)?,
            guard,
        })
    }

    /// Returns the public key for browsers.
    pub(super) fn public_key(&self) -> &str {
        self.vapid.public()
    }

    /// Checks a subscription, without a look-up.
    pub(super) fn check(&self, endpoint: &SecretString, p256dh: &[u8], auth: &[u8]) -> Result<(), Unusable> {
        self.guard.check(endpoint.expose_secret())?;
        if !is_point(p256dh) {
            return Err(Unusable("p256dh is no point on P-256 (65 bytes)"));
        }
        if auth.len() != AUTH {
            return Err(Unusable("auth does not have 16 bytes"));
        }
        Ok(())
    }

    /// Returns the origin of a subscription.
    pub(super) fn origin(&self, endpoint: &SecretString) -> String {
        let endpoint = self.guard.check(endpoint.expose_secret());
        // Of what was allowed once and is not any more, nothing is sent.
        endpoint.map_or_else(|_| "webpush".to_owned(), |endpoint| endpoint.origin())
    }

    /// Sends a wake-up.
    pub(super) async fn send(
        &self,
        (endpoint, p256dh, auth): (&SecretString, &[u8], &[u8]),
        wake: &Wake,
        now: Timestamp,
        deadline: Instant,
    ) -> Verdict {
        // Again: an operator may have allowed less since it was registered.
        let endpoint = match self.guard.check(endpoint.expose_secret()) {
            Ok(endpoint) => endpoint,
            Err(Unusable(reason)) => return Verdict::unasked(PushOutcome::Config, reason),
        };
        let body = match encrypt(payload(wake).as_bytes(), p256dh, auth) {
            Ok(body) => body,
            Err(error) => return Verdict::unasked(PushOutcome::GaveUp, &error.to_string()),
        };
        let Ok(authorization) = self.vapid.authorization(&endpoint.origin(), now) else {
            return Verdict::unasked(PushOutcome::GaveUp, "no token could be signed");
        };
        let client = match endpoint.way {
            Way::Guarded => &self.guarded,
            Way::Allowed => &self.allowed,
        };
        let (ttl, urgency) = if wake.is_urgent { (TTL_URGENT_S, "high") } else { (TTL_NORMAL_S, "normal") };
        let request = client
            .post(endpoint.url)
            .header("TTL", ttl)
            .header("Urgency", urgency)
            .header("Topic", TOPIC)
            .header("Content-Encoding", "aes128gcm")
            .header("Content-Type", "application/octet-stream")
            .header("Authorization", authorization)
            .body(body);
        match exchange(request, now, deadline).await {
            Ok(reply) => judge(&reply),
            Err(why) => Verdict::unanswered(why.as_str()),
        }
    }
}
