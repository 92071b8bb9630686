//! One struct a section of `config/default.toml`, which explains each key.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::require;
use super::shown::HIDDEN;
use super::{ConfigError, ListenAddress};

/// Shortest HS256 secret in bytes: the size of the hash's output (RFC 7518 §3.2).
const MIN_SECRET_BYTES: usize = 32;
/// Most memory of a password hash in KiB: 1 GiB.
pub const MAX_ARGON2_MEMORY_KIB: u32 = 1 << 20;
/// Most passes of a password hash.
pub const MAX_ARGON2_PASSES: u32 = 100;
/// Least room for answers that wait to be written.
const MIN_UNWRITTEN_BYTES: usize = 8 * 1024 * 1024;
/// Most password hashes at once: each has a thread of its own.
const MAX_HASH_CONCURRENCY: usize = 1024;

/// `[server]`: the public listener and the process.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address for clients.
    pub listen: ListenAddress,
    /// Directory for the secret and the SQLite database.
    pub data_dir: PathBuf,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections of one address at once; 0: as many as there are places.
    pub max_connections_per_address: usize,
    /// From accept to a complete request head or an open socket.
    pub handshake_timeout_s: u64,
    /// Idle time of an HTTP connection.
    pub keep_alive_s: u64,
    /// Longest time of a request.
    pub request_timeout_s: u64,
    /// Longest time of a drain.
    pub drain_window_s: u64,
}

/// `[admin]`: the operators' listener.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Address for operators.
    pub listen: ListenAddress,
    /// Names, besides IP addresses and `localhost`, under which operators reach it.
    #[serde(deserialize_with = "string_list")]
    pub hosts: Vec<String>,
}

/// `[auth]`: tokens and passwords.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// HS256 secret; empty for the one in the data directory.
    #[serde(serialize_with = "redacted")]
    pub secret_key: SecretString,
    /// Former secrets, whose tokens are accepted until they expire.
    #[serde(deserialize_with = "secret_list", serialize_with = "redacted_list")]
    pub previous_secret_keys: Vec<SecretString>,
    /// Life of an access token.
    pub access_token_s: i64,
    /// Life of a refresh token.
    pub refresh_token_s: i64,
    /// How long a spent refresh token gets the same successor.
    pub refresh_grace_s: i64,
    /// argon2id memory in KiB.
    pub argon2_memory_kib: u32,
    /// argon2id passes.
    pub argon2_passes: u32,
    /// Hashes at once; 0: one a core.
    pub hash_concurrency: usize,
    /// Longest wait for the turn to hash.
    pub hash_wait_ms: u64,
    /// Refuse public keys that are not a `SubjectPublicKeyInfo`.
    pub strict_public_keys: bool,
    /// Accept `?token=` on the socket.
    pub token_in_query: bool,
    /// Serve `/auth/get_all_users` without a token.
    pub public_user_list: bool,
}

/// `[http]`: limits and headers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Largest request body.
    pub max_body_bytes: usize,
    /// Largest request head.
    pub max_head_bytes: usize,
    /// Bytes of all connections' answers that may wait to be written.
    pub unwritten_bytes: usize,
    /// Origins for CORS; `*` is any.
    #[serde(deserialize_with = "string_list")]
    pub cors_origins: Vec<String>,
    /// Send `Strict-Transport-Security`.
    pub behind_tls: bool,
    /// … for all hosts below this one, too.
    pub hsts_include_subdomains: bool,
}

/// `[socket]`: limits and deadlines.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Socket {
    /// Largest frame.
    pub max_frame_bytes: usize,
    /// Largest encrypted copy.
    pub max_ciphertext_bytes: usize,
    /// Uncommitted messages a socket.
    pub in_flight: usize,
    /// Uncommitted bytes of all sockets.
    pub in_flight_bytes: usize,
    /// Frames in a socket's queue.
    pub queue_frames: usize,
    /// Bytes in a socket's queue.
    pub queue_bytes: usize,
    /// Live sockets a user.
    pub max_per_user: usize,
    /// Time between pings.
    pub ping_s: u64,
    /// Time for the answer to a ping.
    pub pong_timeout_s: u64,
    /// Longest time in which nothing could be written.
    pub write_timeout_s: u64,
    /// Events of one page of a replay.
    pub sync_page: usize,
}

/// `[messages]`: how long things are kept.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Days until a message is destroyed; 0: never.
    pub retention_days: u32,
    /// Time between two runs of retention.
    pub retention_every_s: u64,
    /// Days until a tombstone or an event is dropped.
    pub keep_days: u32,
    /// Time between two rounds of the janitor.
    pub clear_every_ms: u64,
}

/// Seconds of a day.
const DAY_S: i64 = 24 * 60 * 60;

impl Messages {
    /// Seconds until a message is destroyed.
    #[must_use]
    pub fn retention(&self) -> Option<i64> {
        (self.retention_days > 0).then(|| i64::from(self.retention_days) * DAY_S)
    }

    /// Time between two runs of retention.
    #[must_use]
    pub fn retention_every(&self) -> Duration {
        Duration::from_secs(self.retention_every_s)
    }

    /// Seconds until a tombstone or an event is dropped.
    #[must_use]
    pub fn keep_deleted_s(&self) -> i64 {
        i64::from(self.keep_days) * DAY_S
    }

    /// Time between two rounds of the janitor.
    #[must_use]
    pub fn clear_every(&self) -> Duration {
        Duration::from_millis(self.clear_every_ms)
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        require(self.keep_days > 0, "messages.keep_days", "must be at least 1")?;
        require(self.clear_every_ms > 0, "messages.clear_every_ms", "must be at least 1")
    }
}

/// `[limits]`: limits on rates.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Whether any of them is on.
    pub enabled: bool,
    /// Registrations and logins a minute from one address.
    pub auth_per_minute: u32,
    /// Logins a minute from one address with one name.
    pub logins_per_name_per_minute: u32,
    /// Header with the client's address, set by a trusted proxy.
    pub client_ip_header: String,
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// For people or machines.
    pub format: LogFormat,
    /// `EnvFilter` directives.
    pub filter: String,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Server {
    /// The handshake deadline.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        Duration::from_secs(self.handshake_timeout_s)
    }

    /// The drain window.
    #[must_use]
    pub fn drain_window(&self) -> Duration {
        Duration::from_secs(self.drain_window_s)
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        require(self.max_connections > 0, "server.max_connections", "must be at least 1")?;
        require(self.handshake_timeout_s > 0, "server.handshake_timeout_s", "must be at least 1")?;
        require(self.keep_alive_s > 0, "server.keep_alive_s", "must be at least 1")?;
        require(self.request_timeout_s > 0, "server.request_timeout_s", "must be at least 1")
    }
}

impl Admin {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let is_name = |host: &String| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        require(self.hosts.iter().all(is_name), "admin.hosts", "must be names alone, without scheme and port")
    }
}

impl Auth {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let long_enough = |secret: &SecretString| secret.expose_secret().len() >= MIN_SECRET_BYTES;
        require(
            self.secret_key.expose_secret().is_empty() || long_enough(&self.secret_key),
            "auth.secret_key",
            "must have at least 32 characters (try: openssl rand -hex 32)",
        )?;
        require(
            self.previous_secret_keys.iter().all(long_enough),
            "auth.previous_secret_keys",
            "must have at least 32 characters each",
        )?;
        require(self.access_token_s > 0, "auth.access_token_s", "must be at least 1")?;
        require(
            self.refresh_token_s > self.access_token_s,
            "auth.refresh_token_s",
            "must be longer than auth.access_token_s",
        )?;
        require(self.refresh_grace_s >= 0, "auth.refresh_grace_s", "must not be negative")?;
        require(
            self.argon2_memory_kib <= MAX_ARGON2_MEMORY_KIB,
            "auth.argon2_memory_kib",
            "must be at most 1048576 (1 GiB)",
        )?;
        require(self.argon2_passes <= MAX_ARGON2_PASSES, "auth.argon2_passes", "must be at most 100")?;
        require(self.hash_concurrency <= MAX_HASH_CONCURRENCY, "auth.hash_concurrency", "must be at most 1024")?;
        argon2::Params::new(self.argon2_memory_kib, self.argon2_passes, 1, None).map(drop).map_err(|error| {
            ConfigError::Value { key: "auth.argon2_memory_kib", reason: format!("or argon2_passes: {error}") }
        })
    }
}

impl Http {
    pub(super) fn validate(&self, socket: &Socket) -> Result<(), ConfigError> {
        require(
            self.max_head_bytes >= 8192,
            "http.max_head_bytes",
            "must be at least 8192 (the least that hyper works with)",
        )?;
        require(
            self.max_body_bytes > socket.max_ciphertext_bytes,
            "http.max_body_bytes",
            "must be larger than socket.max_ciphertext_bytes",
        )?;
        require(
            self.unwritten_bytes >= MIN_UNWRITTEN_BYTES,
            "http.unwritten_bytes",
            "must be at least 8388608: a few of the largest answers",
        )?;
        self.check_origins()
    }
}

impl Socket {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        require(self.in_flight > 0, "socket.in_flight", "must be at least 1")?;
        require(self.queue_frames > 0, "socket.queue_frames", "must be at least 1")?;
        require((1..=100).contains(&self.sync_page), "socket.sync_page", "must be 1 to 100")?;
        require(self.max_per_user > 0, "socket.max_per_user", "must be at least 1")?;
        require(self.ping_s > 0, "socket.ping_s", "must be at least 1")?;
        require(self.pong_timeout_s > 0, "socket.pong_timeout_s", "must be at least 1")?;
        require(self.write_timeout_s > 0, "socket.write_timeout_s", "must be at least 1")?;
        require(self.max_ciphertext_bytes > 0, "socket.max_ciphertext_bytes", "must be at least 1")?;
        require(
            self.max_frame_bytes >= self.max_ciphertext_bytes.saturating_mul(2),
            "socket.max_frame_bytes",
            "must hold two copies of socket.max_ciphertext_bytes",
        )?;
        require(
            // JSON may take six bytes for one of the ciphertext (RFC 8259 §7).
            self.queue_bytes / 7 >= self.max_ciphertext_bytes,
            "socket.queue_bytes",
            "must be at least seven times socket.max_ciphertext_bytes",
        )?;
        require(
            self.in_flight_bytes >= self.max_frame_bytes.saturating_mul(2) && self.in_flight_bytes < 1 << 40,
            "socket.in_flight_bytes",
            "must hold at least two frames of socket.max_frame_bytes, and be below 1 TiB",
        )
    }
}

impl Log {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        tracing_subscriber::EnvFilter::try_new(&self.filter)
            .map(drop)
            .map_err(|error| ConfigError::Value { key: "log.filter", reason: format!("cannot be read: {error}") })
    }
}

impl Limits {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        require(self.auth_per_minute > 0, "limits.auth_per_minute", "must be at least 1")?;
        require(self.logins_per_name_per_minute > 0, "limits.logins_per_name_per_minute", "must be at least 1")?;
        require(
            self.client_ip_header.is_empty() || http::HeaderName::try_from(&self.client_ip_header).is_ok(),
            "limits.client_ip_header",
            "must be the name of a header",
        )
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A list, or the comma-separated text that the environment can hold.
fn string_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        }
        OneOrMany::Many(list) => list,
    })
}

fn secret_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    Ok(string_list(deserializer)?.into_iter().map(SecretString::from).collect())
}

/// Shows whether a secret is set, not what it is.
fn mask(secret: &SecretString) -> &'static str {
    if secret.expose_secret().is_empty() { "" } else { HIDDEN }
}

fn redacted<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mask(secret))
}

fn redacted_list<S: Serializer>(secrets: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(mask))
}
