//! What travels over REST, key by key.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Makes an account.
#[derive(Serialize)]
pub(crate) struct Registration<'a> {
    pub(crate) username: &'a str,
    pub(crate) email: &'a str,
    pub(crate) password: &'a str,
    /// Base64 of a DER `SubjectPublicKeyInfo`.
    pub(crate) public_key: &'a str,
}

/// Begins a login session.
#[derive(Serialize)]
pub(crate) struct Credentials<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
}

/// Asks for new tokens.
#[derive(Serialize)]
pub(crate) struct Refresh<'a> {
    pub(crate) refresh_token: &'a str,
}

/// The tokens of a login session.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    /// For requests and the socket; short-lived.
    pub(crate) access_token: SecretString,
    /// For the next refresh.
    pub(crate) refresh_token: SecretString,
}

/// What everybody may know of an account.
#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    #[serde(rename = "user_name")]
    pub(crate) name: String,
    pub(crate) public_key: String,
    /// Names the key; not in search results.
    #[serde(default)]
    pub(crate) key_id: Option<String>,
}

/// A conversation in the list of all.
#[derive(Deserialize)]
pub(crate) struct Conversation {
    pub(crate) partner: User,
    /// How far the partner has read and received; nothing when not at all.
    pub(crate) partner_read_up_to_id: Option<i64>,
    pub(crate) partner_delivered_up_to_id: Option<i64>,
    /// Of its newest message: the cursor of the next page.
    pub(crate) seq: u64,
}

/// Reports a message with what the server itself says of it.
#[derive(Clone, Serialize)]
pub(crate) struct Report {
    pub(crate) message_id: i64,
    pub(crate) conversation_id: i64,
    pub(crate) sender_id: i64,
    pub(crate) timestamp: String,
    #[serde(rename = "report_token")]
    pub(crate) token: String,
    pub(crate) franking_tag: Option<String>,
    pub(crate) reason: &'static str,
}

/// What a report proves.
#[derive(Deserialize)]
pub(crate) struct Reported {
    pub(crate) level: String,
}

/// An error of REST (RFC 9457).
#[derive(Deserialize)]
pub(crate) struct Problem {
    pub(crate) detail: String,
    /// Why, for programs.
    #[serde(default)]
    pub(crate) code: String,
}
