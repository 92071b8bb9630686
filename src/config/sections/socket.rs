//! `[socket]`: limits and deadlines.

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::config::error::require;

/// `[socket]`: limits and deadlines.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Socket {
    /// Largest frame, in bytes.
    pub max_frame_bytes: usize,
    /// Largest encrypted copy, in bytes.
    pub max_ciphertext_bytes: usize,
    /// Most unanswered commands of a socket.
    pub in_flight: usize,
    /// Most uncommitted bytes of all sockets together.
    pub in_flight_bytes: usize,
    /// Most frames in a socket's send queue.
    pub queue_frames: usize,
    /// Most bytes in a socket's send queue.
    pub queue_bytes: usize,
    /// Most live sockets of a user.
    pub max_per_user: usize,
    /// Time between pings, in seconds.
    pub ping_s: u64,
    /// Longest wait for anything from the client after a ping, in seconds.
    pub pong_timeout_s: u64,
    /// Longest time without progress of a write, in seconds.
    pub write_timeout_s: u64,
    /// Most events of one page of a replay.
    pub sync_page: usize,
}

impl Socket {
    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
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
