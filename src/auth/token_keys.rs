//! The keys of access tokens: HS256 secrets, and Ed25519 keys in files that can be rotated while the server runs.

mod directory;
mod error;
mod manifest;
mod ring;
mod signing_key;

use std::sync::Arc;

use aws_lc_rs::error::Unspecified;

pub use directory::KeyDirectory;
pub use error::KeyError;
pub use manifest::{KeyEntry, KeyState};
pub(super) use ring::KeyRing;
pub use ring::PublishedKey;

use super::SecretKeys;
use super::secrets::key_id;
use crate::config::{Config, TokenAlgorithm};
use crate::domain::Timestamp;
use manifest::Manifest;

/// Seconds for which a retired key is accepted beyond the life of its tokens: the clocks of nodes may differ a little.
const CLOCK_DIFFERENCE_S: i64 = 60;

/// The keys of access tokens, and where they come from.
pub struct TokenKeys {
    source: KeySource,
    loaded: LoadedKeys,
}

/// Where the keys of access tokens come from.
pub(super) struct KeySource {
    secrets: SecretKeys,
    directory: KeyDirectory,
    algorithm: TokenAlgorithm,
}

/// The keys, and what their directory said when they were loaded.
pub(super) struct LoadedKeys {
    pub(super) ring: Arc<KeyRing>,
    pub(super) said: Vec<u8>,
}

/// A key as `keys list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ListedKey {
    /// Its id, as in the header `kid` of a token.
    pub kid: String,
    /// `HS256` or `EdDSA`.
    pub alg: &'static str,
    /// What it is used for.
    pub state: KeyState,
    /// When its tokens are refused at the latest, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_until: Option<String>,
}

impl TokenKeys {
    /// Reads or makes the secrets of HS256, and prepares the directory of Ed25519 keys for the algorithm that
    /// `auth.token_algorithm` names: with EdDSA, keys are made where there are none; with HS256, keys that have signed
    /// before retire.
    pub fn load(config: &Config, now: Timestamp) -> Result<Self, KeyError> {
        let secrets = SecretKeys::load(config)?;
        let directory = KeyDirectory::of(config);
        match config.auth.token_algorithm {
            TokenAlgorithm::Hs256 => directory.retire(now),
            TokenAlgorithm::EdDsa => directory.prepare(now),
        }?;
        let source = KeySource { secrets, directory, algorithm: config.auth.token_algorithm };
        let loaded = source.load(source.directory.read()?)?;
        Ok(Self { source, loaded })
    }

    /// Returns the secrets of HS256.
    #[must_use]
    pub fn secrets(&self) -> &SecretKeys {
        &self.source.secrets
    }

    pub(super) fn into_parts(self) -> (KeySource, LoadedKeys) {
        (self.source, self.loaded)
    }

    /// Drops an Ed25519 key: its tokens are refused from now on. The current one is rotated first. Returns
    /// [`KeyError::IsSecret`] for a secret of HS256.
    pub fn revoke(config: &Config, kid: &str, now: Timestamp) -> Result<(), KeyError> {
        if SecretKeys::existing(config)?.iter().any(|secret| secret == kid) {
            return Err(KeyError::IsSecret(kid.to_owned()));
        }
        KeyDirectory::of(config).revoke(kid, now)
    }

    /// Lists all keys whose tokens are accepted or will be, those of Ed25519 first.
    pub fn list(config: &Config, now: Timestamp) -> Result<Vec<ListedKey>, KeyError> {
        let directory = KeyDirectory::of(config);
        let manifest = directory.manifest()?;
        let signs_by_secret = config.auth.token_algorithm == TokenAlgorithm::Hs256;
        let text = |until: Timestamp| until.to_string();
        let entries = manifest.keys.into_iter().map(|entry| {
            let until = entry.retired_at.map(|at| directory.accepted_until(at));
            (ListedKey { kid: entry.kid, alg: "EdDSA", state: entry.state, accepted_until: until.map(text) }, until)
        });
        let until = (!signs_by_secret).then(|| directory.accepted_until(manifest.signing_since));
        let secrets = SecretKeys::existing(config)?.into_iter().enumerate().map(|(place, kid)| {
            let state = if signs_by_secret && place == 0 { KeyState::Current } else { KeyState::Previous };
            (ListedKey { kid, alg: "HS256", state, accepted_until: until.map(text) }, until)
        });
        let is_good = |until: Option<Timestamp>| until.is_none_or(|until| until > now);
        Ok(entries.chain(secrets).filter(|(_, until)| is_good(*until)).map(|(key, _)| key).collect())
    }
}

impl KeySource {
    /// Returns the directory of Ed25519 keys.
    pub(super) fn directory(&self) -> &KeyDirectory {
        &self.directory
    }

    /// Drops an Ed25519 key. Returns [`KeyError::IsSecret`] for a secret of HS256.
    pub(super) fn revoke(&self, kid: &str, now: Timestamp) -> Result<(), KeyError> {
        if self.secrets.iter().any(|secret| key_id(secret) == kid) {
            return Err(KeyError::IsSecret(kid.to_owned()));
        }
        self.directory.revoke(kid, now)
    }

    /// Loads all keys, those of Ed25519 as their directory has `said`.
    pub(super) fn load(&self, said: Vec<u8>) -> Result<LoadedKeys, KeyError> {
        let about = |error: String| self.directory.error(&error);
        let manifest = Manifest::parse(&said).map_err(|error| about(error.to_string()))?;
        let keys = self.directory.load(&manifest)?;
        let secrets_until = match self.algorithm {
            TokenAlgorithm::Hs256 => None,
            TokenAlgorithm::EdDsa => Some(self.directory.accepted_until(manifest.signing_since)),
        };
        let ring = KeyRing::new(self.algorithm, &self.secrets, secrets_until, keys).map_err(about)?;
        Ok(LoadedKeys { ring: Arc::new(ring), said })
    }
}

/// The text of a failure of the cryptography, which has no cause.
fn unspecified(_: Unspecified) -> String {
    "the cryptography has failed".to_owned()
}

#[cfg(test)]
mod tests;
