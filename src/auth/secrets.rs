//! The secrets that sign access tokens.

use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, hmac};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::random_token;
use crate::config::{Config, without_byte_order_mark};
use crate::key_file;

/// The secret, or another key of the server, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The secret file cannot be read or made.
    #[error("cannot use the secret file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A line of it is too short.
    #[error("the secret file {} holds a secret of less than 32 characters", path.display())]
    Short {
        /// The file.
        path: PathBuf,
    },
    /// It holds no secret.
    #[error("the secret file {} is empty: delete it to get a new one (this ends all access tokens)", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file of the instance key cannot be read or made.
    #[error("cannot use the instance key {}: {source} (auth.instance_key_file names another file)", path.display())]
    InstanceKey {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file of the instance key that the settings name is not there.
    #[error(
        "auth.instance_key_file: there is no {}; a new one is made with `openssl rand -out FILE 32`, and all servers \
         on one database share it",
        path.display()
    )]
    NoInstanceKey {
        /// The file.
        path: PathBuf,
    },
    /// The file of the instance key holds something else.
    #[error("the instance key {} holds {length} bytes instead of 32", path.display())]
    InstanceKeyLength {
        /// The file.
        path: PathBuf,
        /// How many bytes it holds.
        length: usize,
    },
    /// A key cannot be derived.
    #[error("a key cannot be derived from the instance key")]
    Derivation,
}

/// The signing secret and the former ones whose tokens are still accepted. Never empty.
pub struct SecretKeys {
    current: SecretString,
    former: Vec<SecretString>,
}

impl SecretKeys {
    /// Returns the configured secrets; without one, those of the secret file, which is made with mode 0600 on first
    /// start.
    ///
    /// The file holds one secret a line, the signing one first.
    pub fn load(config: &Config) -> Result<Self, SecretError> {
        let former = config.auth.previous_secret_keys.clone();
        if !config.auth.secret_key.expose_secret().is_empty() {
            return Ok(Self { current: config.auth.secret_key.clone(), former });
        }
        let path = config.secret_file();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(&path)?,
            Err(source) => return Err(SecretError::Io { path, source }),
        };
        let mut lines = without_byte_order_mark(&text).lines().map(str::trim).filter(|line| !line.is_empty());
        let current = SecretString::from(lines.next().ok_or_else(|| SecretError::Empty { path: path.clone() })?);
        let keys = Self { current, former: former.into_iter().chain(lines.map(SecretString::from)).collect() };
        if keys.iter().any(|secret| secret.expose_secret().len() < 32) {
            return Err(SecretError::Short { path });
        }
        Ok(keys)
    }

    /// Returns the ids of the secrets that are there, that of the signing one first; makes none.
    pub(super) fn existing(config: &Config) -> Result<Vec<String>, SecretError> {
        if config.auth.secret_key.expose_secret().is_empty() && !config.secret_file().exists() {
            return Ok(Vec::new());
        }
        Ok(Self::load(config)?.iter().map(key_id).collect())
    }

    /// Returns what the secrets are recognised by in a database that several servers use, the signing one first. They
    /// must share a secret, or they refuse each other's access tokens.
    pub fn checks(&self) -> Vec<String> {
        self.iter().map(check).collect()
    }

    /// Returns all secrets, the signing one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &SecretString> {
        std::iter::once(&self.current).chain(&self.former)
    }
}

/// Returns what a secret is recognised by in the database: 32 hexadecimal digits that only its owner can make.
fn check(secret: &SecretString) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let tag = hmac::sign(&key, b"fluent-backend: the secret of servers on one database");
    let mut half = [0; 16];
    // A tag has 32 bytes.
    half.iter_mut().zip(tag.as_ref()).for_each(|(to, byte)| *to = *byte);
    format!("{:032x}", u128::from_be_bytes(half))
}

/// Returns a name for a secret that does not reveal it: the first 8 hex digits of its SHA-256.
pub(super) fn key_id(secret: &SecretString) -> String {
    let hash = digest::digest(&digest::SHA256, secret.expose_secret().as_bytes());
    let first = hash.as_ref().iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{first:08x}")
}

/// Makes the file. Returns what it holds, which another process may have written.
fn create(path: &Path) -> Result<String, SecretError> {
    let io = |source| SecretError::Io { path: path.to_owned(), source };
    let secret = random_token().map_err(|error| io(std::io::Error::other(error)))?;
    key_file::make(path, format!("{secret}\n").as_bytes()).map_err(io)?;
    std::fs::read_to_string(path).map_err(io)
}
