//! `[database]`: where messages are stored.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::config::error::require;
use crate::config::{ConfigError, redaction};

/// Longest name of a connection on PostgreSQL (`NAMEDATALEN`), in bytes.
const MAX_APPLICATION_NAME_BYTES: usize = 63;

/// `[database]`: where messages are stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The URL, empty for the default SQLite file. Secret, because it may hold a password.
    #[serde(serialize_with = "redaction::serialize")]
    pub url: SecretString,
    /// Connections for reading.
    pub max_connections: u32,
    /// Connections for writes of requests, on PostgreSQL.
    pub write_connections: u32,
    /// Longest wait for a connection, in milliseconds.
    pub acquire_timeout_ms: u64,
    /// Longest time of a statement on PostgreSQL, in milliseconds, other than those of migrations.
    pub statement_timeout_ms: u64,
    /// The name of the connections on PostgreSQL.
    pub application_name: String,
    /// What a commit on SQLite survives.
    pub synchronous: Synchronous,
    /// What a commit on PostgreSQL survives.
    pub failover: Failover,
}

/// What a commit on PostgreSQL survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Failover {
    /// Perhaps not a failover: where no server can tell whether one has lost commits, devices load their history anew.
    Check,
    /// Every failover: a standby is promoted only when it has all commits.
    Lossless,
}

/// What a commit on SQLite survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// Loss of power: one fsync a transaction.
    Full,
    /// Only a crash of the process.
    Normal,
}

impl Database {
    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require(self.max_connections > 0, "database.max_connections", "must be at least 1")?;
        require(self.write_connections > 0, "database.write_connections", "must be at least 1")?;
        require(self.acquire_timeout_ms > 0, "database.acquire_timeout_ms", "must be at least 1")?;
        require(
            // PostgreSQL keeps it in 32 bits; 0 would be none.
            (1..=i32::MAX.unsigned_abs().into()).contains(&self.statement_timeout_ms),
            "database.statement_timeout_ms",
            "must be 1 to 2147483647",
        )?;
        require(
            self.application_name.len() <= MAX_APPLICATION_NAME_BYTES
                && self.application_name.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
            "database.application_name",
            "must have at most 63 characters of ASCII",
        )
    }
}
