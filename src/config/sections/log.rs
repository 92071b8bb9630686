//! `[log]`: what is logged, and in which form.

use std::io::IsTerminal as _;

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
    /// Milliseconds above which a statement counts as slow; 0: none does.
    pub slow_query_ms: u64,
    /// Milliseconds above which an actor counts as slow with a message, and an endpoint with a request; 0: none does.
    pub slow_handler_ms: u64,
    /// Milliseconds above which a batch of the writer counts as slow; 0: none does.
    pub slow_batch_ms: u64,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// Returns whether lines are for machines, by where they go: the standard error output.
    #[must_use]
    pub fn is_json(self) -> bool {
        match self {
            Self::Auto => !std::io::stderr().is_terminal(),
            Self::Text => false,
            Self::Json => true,
        }
    }
}

impl Log {
    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        tracing_subscriber::EnvFilter::try_new(&self.filter).map(drop).map_err(|error| ConfigError::Value {
            key: "log.filter".into(),
            reason: format!("cannot be read: {error}"),
        })
    }
}
