//! Firebase Cloud Messaging, by its HTTP v1 API.

mod access;
mod account;
mod answer;

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::time::Instant;

use super::http::{Patience, Reply, client, exchange};
use super::verdict::Verdict;
use super::{PushError, Unusable};
use crate::config::Config;
use crate::domain::{Timestamp, Wake};
use access::{Access, Token};
use account::Account;
use answer::judge;

/// Longest token in bytes.
const MAX_TOKEN: usize = 4096;
/// FCM keeps one wake-up of a key for a device that is off, and counts at most four keys a device.
const COLLAPSE_KEY: &str = "wake";

/// The sender of FCM.
pub(super) struct Fcm {
    client: Client,
    account: Account,
    access: Access,
    url: String,
}

impl Fcm {
    /// Reads the service account and makes the sender.
    pub(super) fn open(config: &Config, patience: Patience) -> Result<Self, PushError> {
        let (fcm, account) = (&config.push.fcm, Account::load(&config.push.fcm)?);
        let endpoint = fcm.endpoint.trim_end_matches('/');
        let url = format!("{endpoint}/v1/projects/{}/messages:send", account.project_id);
        Ok(Self { client: client(&config.push, patience, None)?, account, access: Access::new(), url })
    }

    /// Checks the files alone.
    pub(super) fn check_files(config: &Config) -> Result<(), PushError> {
        Account::load(&config.push.fcm).map(drop)
    }

    /// Returns the project whose apps are woken.
    pub(super) fn project_id(&self) -> &str {
        &self.account.project_id
    }

    /// Checks the form of a token.
    pub(super) fn check(token: &SecretString) -> Result<(), Unusable> {
        let token = token.expose_secret();
        let is_plain = !token.is_empty() && token.bytes().all(|c| c.is_ascii_graphic());
        if is_plain && token.len() <= MAX_TOKEN { Ok(()) } else { Err(Unusable("the token is none of FCM")) }
    }

    /// Sends a wake-up; with a new access token once more if the first one is refused.
    pub(super) async fn send(&self, token: &SecretString, wake: &Wake, now: Timestamp, deadline: Instant) -> Verdict {
        let body = message(token.expose_secret(), wake);
        let mut refused = None;
        loop {
            let google = (&self.client, &self.account);
            let access = match self.access.token(google, refused.as_ref(), now, deadline).await {
                Ok(access) => access,
                Err(verdict) => return verdict,
            };
            let reply = match self.post(&access, &body, now, deadline).await {
                Ok(reply) => reply,
                Err(verdict) => return verdict,
            };
            if reply.status != 401 || refused.is_some() {
                return judge(&reply);
            }
            let verdict = judge(&reply);
            // What concerns the device alone is no matter of the access token.
            if verdict.effect == super::verdict::Effect::Refuses {
                return verdict;
            }
            refused = Some(access);
        }
    }

    /// Forgets that no access token could be fetched.
    pub(super) fn reset(&self) {
        self.access.reset();
    }

    async fn post(&self, access: &Token, body: &str, now: Timestamp, deadline: Instant) -> Result<Reply, Verdict> {
        let request = self.client.post(&self.url).header("Authorization", access.header.clone());
        let request = request.header("Content-Type", "application/json").body(body.to_owned());
        exchange(request, now, deadline).await.map_err(|why| Verdict::unanswered(why.as_str()))
    }
}

/// Returns the request's body. It has data only: FCM would show the text of a notification, and learn it.
fn message(token: &str, wake: &Wake) -> String {
    let (priority, ttl) = if wake.is_urgent { ("HIGH", "2419200s") } else { ("NORMAL", "86400s") };
    let android = json!({ "priority": priority, "ttl": ttl, "collapse_key": COLLAPSE_KEY });
    let data = json!({ "t": "wake", "w": wake.id.as_str() });
    json!({ "message": { "token": token, "android": android, "data": data } }).to_string()
}
