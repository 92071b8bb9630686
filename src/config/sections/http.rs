//! `[http]`: limits and headers.

use serde::{Deserialize, Serialize};

use super::lists::string_list;
use super::socket::Socket;
use crate::config::ConfigError;
use crate::config::error::require;

/// Smallest allowed value of `unwritten_bytes`.
const MIN_UNWRITTEN_BYTES: usize = 8 * 1024 * 1024;

/// `[http]`: limits and headers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Largest request body, in bytes.
    pub max_body_bytes: usize,
    /// Largest request head, in bytes.
    pub max_head_bytes: usize,
    /// Most bytes of responses, over all connections, that may wait for clients to read them.
    pub unwritten_bytes: usize,
    /// Origins for CORS; `*` is any.
    #[serde(deserialize_with = "string_list")]
    pub cors_origins: Vec<String>,
    /// Whether `Strict-Transport-Security` is sent.
    pub behind_tls: bool,
    /// Whether that header applies to all subdomains, too.
    pub hsts_include_subdomains: bool,
}

impl Http {
    pub(in crate::config) fn validate(&self, socket: &Socket) -> Result<(), ConfigError> {
        require(
            self.max_head_bytes >= 8192,
            "http.max_head_bytes",
            "must be at least 8192 (the least that hyper works with)",
        )?;
        require(
            self.max_body_bytes > socket.max_ciphertext_bytes,
            "http.max_body_bytes",
            "must be larger than socket.max_ciphertext_bytes",
        )?;
        require(
            self.unwritten_bytes >= MIN_UNWRITTEN_BYTES,
            "http.unwritten_bytes",
            "must be at least 8388608: a few of the largest answers",
        )?;
        self.check_origins()
    }
}
