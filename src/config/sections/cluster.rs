//! `[cluster]`: how servers on one PostgreSQL learn of each other's batches.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::config::error::require;
use crate::config::nats::NatsServers;
use crate::config::{ConfigError, redaction};

/// Longest name of a server, in bytes.
const MAX_NODE_BYTES: usize = 64;

/// `[cluster]`: how servers on one PostgreSQL learn of each other's batches.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// The URLs of NATS, separated by commas; empty: none. Secret, because they may hold a password.
    #[serde(serialize_with = "redaction::serialize")]
    pub nats_url: SecretString,
    /// The file with the credentials for NATS; empty: none.
    pub nats_creds: String,
    /// The file with the certificates that NATS is trusted by; empty: those of the system.
    pub nats_ca: String,
    /// The name of this server, for people; empty: that of the machine.
    pub node: String,
    /// Longest wait for a batch that is late by NATS, in milliseconds.
    pub gap_wait_ms: u64,
    /// Time between two looks into the journal without NATS, in milliseconds.
    pub poll_ms: u64,
    /// Time between two looks into the journal with NATS, in milliseconds.
    pub check_ms: u64,
    /// Seconds for which the journal keeps a batch.
    pub journal_s: i64,
    /// Seconds after which a server that says nothing more counts as gone.
    pub dead_after_s: u64,
    /// Seconds for which the users of other servers count as they were while NATS is away.
    pub presence_hold_s: u64,
    /// Seconds without the database after which a server sends its clients away, while others reach it.
    pub fence_after_s: u64,
}

impl Cluster {
    /// Returns the NATS servers, if there are any.
    pub fn nats(&self) -> Result<Option<NatsServers>, ConfigError> {
        NatsServers::parse(self.nats_url.expose_secret())
    }

    /// Returns the name of this server, for people.
    #[must_use]
    pub fn name(&self) -> String {
        match self.node.as_str() {
            "" => machine(),
            node => node.to_owned(),
        }
    }

    /// Returns the time after which a server that says nothing more counts as gone.
    #[must_use]
    pub fn dead_after(&self) -> Duration {
        Duration::from_secs(self.dead_after_s)
    }

    /// Returns the time for which the users of other servers count as they were while NATS is away.
    #[must_use]
    pub fn presence_hold(&self) -> Duration {
        Duration::from_secs(self.presence_hold_s)
    }

    /// Returns the time without the database after which this server sends its clients away, while others reach it.
    #[must_use]
    pub fn fence_after(&self) -> Duration {
        Duration::from_secs(self.fence_after_s)
    }

    /// Returns the longest wait for a batch that is late by NATS.
    #[must_use]
    pub fn gap_wait(&self) -> Duration {
        Duration::from_millis(self.gap_wait_ms)
    }

    /// Returns the time between two looks into the journal without NATS.
    #[must_use]
    pub fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    /// Returns the time between two looks into the journal with NATS.
    #[must_use]
    pub fn check(&self) -> Duration {
        Duration::from_millis(self.check_ms)
    }

    pub(in crate::config) fn validate(&self, on_sqlite: bool) -> Result<(), ConfigError> {
        let nats = self.nats()?;
        require(
            !on_sqlite || nats.is_none(),
            "cluster.nats_url",
            "needs PostgreSQL: on SQLite there is one server, which has nobody to talk to",
        )?;
        require(
            self.node.len() <= MAX_NODE_BYTES && !self.node.chars().any(char::is_control),
            "cluster.node",
            "must have at most 64 bytes and no control characters",
        )?;
        require(self.gap_wait_ms <= 10_000, "cluster.gap_wait_ms", "must be at most 10000")?;
        require((10..=10_000).contains(&self.poll_ms), "cluster.poll_ms", "must be between 10 and 10000")?;
        require((100..=60_000).contains(&self.check_ms), "cluster.check_ms", "must be between 100 and 60000")?;
        // A server that was busy for a moment must find what it has missed; and what is deleted is gone within an hour.
        require((10..=3600).contains(&self.journal_s), "cluster.journal_s", "must be between 10 and 3600")?;
        // Each says every two seconds that it is there; a row in the table of servers is looked for as long as 15 s.
        require((5..=15).contains(&self.dead_after_s), "cluster.dead_after_s", "must be between 5 and 15")?;
        require(self.presence_hold_s <= 3600, "cluster.presence_hold_s", "must be at most 3600")?;
        // When all lose the database at once, none may believe longer than this that another one still has it.
        require((10..=3600).contains(&self.fence_after_s), "cluster.fence_after_s", "must be between 10 and 3600")
    }
}

/// Returns the name of the machine, as Linux tells it.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "fluent".to_owned() } else { name.trim().to_owned() }
}
