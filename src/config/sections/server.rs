//! `[server]`: the public listener and the process.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lists::{network_list, string_list};
use crate::config::error::require;
use crate::config::{ConfigError, ListenAddress};
use crate::domain::Network;

/// `[server]`: the public listener and the process.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address to listen on for clients.
    pub listen: ListenAddress,
    /// Directory for the secret and the SQLite database.
    pub data_dir: PathBuf,
    /// Most connections at once.
    pub max_connections: usize,
    /// Most connections of one address at once; 0: as many as there are places.
    pub max_connections_per_address: usize,
    /// Where the address of a client is read.
    pub client_address: ClientAddressSource,
    /// The networks of the proxies that are believed.
    #[serde(deserialize_with = "network_list")]
    pub trusted_proxies: Vec<Network>,
    /// The host names under which clients reach the server.
    #[serde(deserialize_with = "string_list")]
    pub public_names: Vec<String>,
    /// Longest time from accept to a complete request head or an open socket, in seconds.
    pub handshake_timeout_s: u64,
    /// Longest idle time of an HTTP connection, in seconds.
    pub keep_alive_s: u64,
    /// Longest time of a request, in seconds.
    pub request_timeout_s: u64,
    /// Longest time of a drain, in seconds.
    pub drain_window_s: u64,
}

/// Where the address of a client is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAddressSource {
    /// It is the address of the connection.
    Peer,
    /// In the header `X-Forwarded-For` of a request.
    XForwardedFor,
    /// In the header `Forwarded` of a request (RFC 7239).
    Forwarded,
    /// At the beginning of a connection (PROXY protocol, version 2).
    ProxyProtocol,
}

impl Server {
    /// Returns the handshake deadline.
    #[must_use]
    pub fn handshake_timeout(&self) -> Duration {
        Duration::from_secs(self.handshake_timeout_s)
    }

    /// Returns the drain window.
    #[must_use]
    pub fn drain_window(&self) -> Duration {
        Duration::from_secs(self.drain_window_s)
    }

    pub(in crate::config) fn validate(&self) -> Result<(), ConfigError> {
        require(self.max_connections > 0, "server.max_connections", "must be at least 1")?;
        require(
            self.client_address == ClientAddressSource::Peer || !self.trusted_proxies.is_empty(),
            "server.trusted_proxies",
            "must name the networks of your proxies, since server.client_address is not \"peer\"",
        )?;
        let is_name = |name: &String| !name.is_empty() && !name.contains([':', '/', '@', ' ']);
        require(
            self.public_names.iter().all(is_name),
            "server.public_names",
            "must hold host names alone, such as chat.example.org",
        )?;
        require(self.handshake_timeout_s > 0, "server.handshake_timeout_s", "must be at least 1")?;
        require(self.keep_alive_s > 0, "server.keep_alive_s", "must be at least 1")?;
        require(self.request_timeout_s > 0, "server.request_timeout_s", "must be at least 1")
    }
}
