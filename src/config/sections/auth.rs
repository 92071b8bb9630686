//! `[auth]`: tokens and passwords.

use std::num::NonZeroUsize;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::lists::{redacted, redacted_list, secret_list};
use crate::config::ConfigError;
use crate::config::error::require;

/// Shortest HS256 secret in bytes: the size of the hash's output (RFC 7518 §3.2).
const MIN_SECRET_BYTES: usize = 32;
/// Most memory of a password hash in KiB: 1 GiB.
pub const MAX_ARGON2_MEMORY_KIB: u32 = 1 << 20;
/// Most passes of a password hash.
pub const MAX_ARGON2_PASSES: u32 = 100;
/// Most password hashes at once: each has a thread of its own.
const MAX_HASH_CONCURRENCY: usize = 1024;

/// What signs access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum TokenAlgorithm {
    /// A secret, with HMAC-SHA256 (RFC 7518 §3.2).
    #[serde(rename = "HS256")]
    Hs256,
    /// An Ed25519 key (RFC 8037 §3.1), whose public part is published.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// `[auth]`: tokens and passwords.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// What signs access tokens.
    pub token_algorithm: TokenAlgorithm,
    /// The directory of the Ed25519 keys; empty for the one in the data directory.
    pub token_keys_dir: String,
    /// HS256 secret; empty for the one in the data directory.
    #[serde(serialize_with = "redacted")]
    pub secret_key: SecretString,
    /// Former secrets, whose tokens are accepted until they expire.
    #[serde(deserialize_with = "secret_list", serialize_with = "redacted_list")]
    pub previous_secret_keys: Vec<SecretString>,
    /// A file with the instance key, for several servers; empty for the one in the data directory.
    pub instance_key_file: String,
    /// Life of an access token, in seconds.
    pub access_token_s: i64,
    /// Life of a refresh token, in seconds.
    pub refresh_token_s: i64,
    /// For how long a spent refresh token is exchanged for the same successor again, in seconds.
    pub refresh_grace_s: i64,
    /// argon2id memory in KiB.
    pub argon2_memory_kib: u32,
    /// argon2id passes.
    pub argon2_passes: u32,
    /// Most password hashes of people who are known computed at once; 0: one for each core.
    pub hash_concurrency: usize,
    /// Longest wait of a login for its password hash to begin, in milliseconds.
    pub hash_wait_ms: u64,
    /// Whether public keys must be a `SubjectPublicKeyInfo`.
    pub strict_public_keys: bool,
    /// Whether a socket may be opened with `?token=`.
    pub token_in_query: bool,
    /// Whether `/auth/get_all_users` is served without a token.
    pub public_user_list: bool,
}

impl Auth {
    /// Returns how many threads hash passwords of people who are known: who are signed in, or have logged in from their
    /// network before.
    #[must_use]
    pub fn hash_threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        if self.hash_concurrency == 0 { cores } else { self.hash_concurrency }
    }

    /// Returns how many threads hash passwords of everybody else.
    #[must_use]
    pub fn hash_threads_for_strangers(&self) -> usize {
        self.hash_threads().saturating_sub(1).max(1)
    }

    /// Returns how many threads hash passwords in all, each with memory of its own.
    #[must_use]
    pub fn all_hash_threads(&self) -> usize {
        self.hash_threads().saturating_add(self.hash_threads_for_strangers())
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        let long_enough = |secret: &SecretString| secret.expose_secret().len() >= MIN_SECRET_BYTES;
        require(
            self.secret_key.expose_secret().is_empty() || long_enough(&self.secret_key),
            "auth.secret_key",
            "must have at least 32 characters (try: openssl rand -hex 32)",
        )?;
        require(
            self.previous_secret_keys.iter().all(long_enough),
            "auth.previous_secret_keys",
            "must have at least 32 characters each",
        )?;
        require(self.access_token_s > 0, "auth.access_token_s", "must be at least 1")?;
        require(
            self.refresh_token_s > self.access_token_s,
            "auth.refresh_token_s",
            "must be longer than auth.access_token_s",
        )?;
        require(self.refresh_grace_s >= 0, "auth.refresh_grace_s", "must not be negative")?;
        require(
            self.argon2_memory_kib <= MAX_ARGON2_MEMORY_KIB,
            "auth.argon2_memory_kib",
            "must be at most 1048576 (1 GiB)",
        )?;
        require(self.argon2_passes <= MAX_ARGON2_PASSES, "auth.argon2_passes", "must be at most 100")?;
        require(self.hash_concurrency <= MAX_HASH_CONCURRENCY, "auth.hash_concurrency", "must be at most 1024")?;
        argon2::Params::new(self.argon2_memory_kib, self.argon2_passes, 1, None).map(drop).map_err(|error| {
            ConfigError::Value { key: "auth.argon2_memory_kib".into(), reason: format!("or argon2_passes: {error}") }
        })
    }
}
