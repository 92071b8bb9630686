//! Access tokens, made as the server makes them, so that thousands of clients can come at once.

use anyhow::Result;
use aws_lc_rs::digest;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use crate::clock;

/// How long a token is valid: longer than any run.
const LIFETIME_S: i64 = 24 * 3600;

#[derive(Serialize)]
struct Claims {
    sub: String,
    user_id: i32,
    r#type: &'static str,
    sid: i64,
    iat: i64,
    exp: i64,
}

/// Signs with one secret.
pub(crate) struct Mint {
    header: Header,
    key: EncodingKey,
}

impl Mint {
    pub(crate) fn new(secret: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, secret.as_bytes());
        let first = hash.as_ref().iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let header = Header { kid: Some(format!("{first:08x}")), ..Header::new(Algorithm::HS256) };
        Self { header, key: EncodingKey::from_secret(secret.as_bytes()) }
    }

    /// A token of a user, whose login session has this number.
    pub(crate) fn token(&self, user_id: i32, login: i64) -> Result<String> {
        self.signed(user_id, login, clock::unix_micros() / 1_000_000)
    }

    /// Such a token that has just expired.
    pub(crate) fn expired(&self, user_id: i32, login: i64) -> Result<String> {
        self.signed(user_id, login, clock::unix_micros() / 1_000_000 - LIFETIME_S - 1)
    }

    fn signed(&self, user_id: i32, login: i64, iat: i64) -> Result<String> {
        let (sub, exp) = (format!("load-{user_id}"), iat + LIFETIME_S);
        Ok(encode(&self.header, &Claims { sub, user_id, r#type: "access", sid: login, iat, exp }, &self.key)?)
    }
}
