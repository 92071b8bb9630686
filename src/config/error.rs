//! Errors in the settings.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The settings cannot be used. Each text is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file given with `--config`, or `.env`, cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A key is unknown or a value has the wrong type.
    #[error("invalid configuration{}: {reason}", from(file.as_deref()))]
    Invalid {
        /// The file, when one was given.
        file: Option<PathBuf>,
        /// The fault, with the key.
        reason: String,
    },
    /// A value is of the right type but cannot work.
    #[error("invalid configuration: {key} {reason}")]
    Value {
        /// `section.key`.
        key: Cow<'static, str>,
        /// What the value must be.
        reason: String,
    },
}

/// Returns where the settings came from, when a file was given, in parentheses.
fn from(file: Option<&Path>) -> String {
    file.map(|file| format!(" ({} or environment)", file.display())).unwrap_or_default()
}

/// Returns an error when `valid` is false.
pub(super) fn require(valid: bool, key: impl Into<Cow<'static, str>>, reason: &str) -> Result<(), ConfigError> {
    if valid { Ok(()) } else { Err(ConfigError::Value { key: key.into(), reason: reason.to_owned() }) }
}
