//! The secrets that sign access tokens.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::{digest, hmac};
use secrecy::{ExposeSecret as _, SecretString};

use crate::clock::random_token;
use crate::config::{Config, without_byte_order_mark};

/// The secret file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read or made.
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

/// Makes the file atomically, also when the process is killed meanwhile. Of two processes that try, only one succeeds.
fn create(path: &Path) -> Result<String, SecretError> {
    let io = |source| SecretError::Io { path: path.to_owned(), source };
    let secret = random_token().map_err(|error| io(std::io::Error::other(error)))?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft).map_err(io)?;
    writeln!(file, "{secret}").and_then(|()| file.sync_all()).map_err(io)?;
    // Unlike a rename, a link does not replace what another process has made meanwhile.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft).map_err(io)?;
    match linked {
        Ok(()) => Ok(secret),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => std::fs::read_to_string(path).map_err(io),
        Err(error) => Err(io(error)),
    }
}
