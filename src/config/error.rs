//! What can be wrong with the settings.

use std::path::PathBuf;

/// The settings cannot be used. Each text is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file given with `--config`, or `.env`, cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key is unknown or a value has the wrong type.
    #[error("invalid configuration{}: {reason}", file.as_ref().map(|f| format!(" ({} or environment)", f.display())).unwrap_or_default())]
    Invalid {
        /// The file, when one was given.
        file: Option<PathBuf>,
        /// What is wrong, with the key.
        reason: String,
    },
    /// A value is of the right type but cannot work.
    #[error("invalid configuration: {key} {reason}")]
    Value {
        /// `section.key`.
        key: &'static str,
        /// What it must be.
        reason: String,
    },
}

/// An error when `valid` is false.
pub(super) fn require(valid: bool, key: &'static str, reason: &str) -> Result<(), ConfigError> {
    if valid { Ok(()) } else { Err(ConfigError::Value { key, reason: reason.to_owned() }) }
}
