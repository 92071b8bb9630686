//! `[tls]`: TLS in the process.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// `[tls]`: TLS in the process.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// File with the certificate and those that have signed it, in PEM.
    pub certificate: PathBuf,
    /// File with the key of the certificate, in PEM.
    pub key: PathBuf,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "1.2")]
    V1_2,
    /// TLS 1.3 (RFC 8446).
    #[serde(rename = "1.3")]
    V1_3,
}

impl Tls {
    /// Returns whether clients are served by TLS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.certificate.as_os_str().is_empty()
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        let (key, other) = if self.is_on() { ("tls.key", "tls.certificate") } else { ("tls.certificate", "tls.key") };
        let both_or_none = self.is_on() != self.key.as_os_str().is_empty();
        require(both_or_none, key, &format!("must be set, since {other} is"))
    }
}
