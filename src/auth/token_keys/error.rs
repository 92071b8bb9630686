//! Why the keys of access tokens cannot be used or changed.

use std::path::PathBuf;

use crate::auth::SecretError;

/// The keys of access tokens cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secrets of HS256 cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The directory of Ed25519 keys, or a file in it, cannot be used.
    #[error("cannot use the token keys in {}: {reason} (auth.token_keys_dir)", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// There is no such key.
    #[error("there is no key {0}: `fluent-backend keys list` shows all")]
    NoSuchKey(String),
    /// The key is a secret of HS256.
    #[error(
        "{0} is a secret of HS256: take it out of secret.key, SECRET_KEY or auth.previous_secret_keys, and start the \
         server again"
    )]
    IsSecret(String),
    /// Access tokens are signed by HS256.
    #[error(
        "auth.token_algorithm is HS256, whose secret is rotated by a new first line in secret.key (or by SECRET_KEY \
         and auth.previous_secret_keys) and a restart; `keys rotate` is for EdDSA"
    )]
    SignsBySecret,
    /// No server has made keys yet.
    #[error(
        "there are no keys in {} yet: the server makes them when it starts with auth.token_algorithm EdDSA",
        .0.display()
    )]
    NoKeys(PathBuf),
}
