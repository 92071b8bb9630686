//! Why devices cannot be woken at all.

use std::path::PathBuf;

/// The settings of `[push]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// A file cannot be read.
    #[error("cannot read {}: {source} ({key})", path.display())]
    Unreadable {
        /// The setting that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file does not hold what it must.
    #[error("{} {reason} ({key})", path.display())]
    File {
        /// The setting that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong; nothing of its content.
        reason: String,
    },
    /// TLS or the client cannot be set up.
    #[error("cannot set up requests to push services: {0}")]
    Setup(String),
}
