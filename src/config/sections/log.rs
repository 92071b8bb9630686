//! `[log]`: what is logged, and in which form.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// `[log]`: what is logged, and in which form.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The form of log lines.
    pub format: LogFormat,
    /// `EnvFilter` directives.
    pub filter: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Log {
    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        tracing_subscriber::EnvFilter::try_new(&self.filter).map(drop).map_err(|error| ConfigError::Value {
            key: "log.filter".into(),
            reason: format!("cannot be read: {error}"),
        })
    }
}
