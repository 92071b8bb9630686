//! The two sockets that a server listens on: bound by itself, or handed to it.

use std::net::{SocketAddr, TcpListener};

use super::ServerError;
use crate::config::{Config, ListenAddress};
use crate::http::Listener;

/// Sockets that listen already when the server starts: systemd's, by socket activation, or those of the server that
/// this one takes over from. Where there is none, the configured address is bound.
#[derive(Debug, Default)]
pub struct InheritedListeners {
    /// For clients, in the place of `server.listen`.
    pub public: Option<TcpListener>,
    /// For operators, in the place of `admin.listen`.
    pub admin: Option<TcpListener>,
}

/// Both sockets with their addresses, before anything is served.
pub(super) struct Listeners {
    pub(super) public: Listener,
    pub(super) addr: SocketAddr,
    pub(super) admin: Listener,
    pub(super) admin_addr: SocketAddr,
}

impl Listeners {
    /// Takes the inherited sockets and binds the others.
    pub(super) async fn open(config: &Config, inherited: InheritedListeners) -> Result<Self, ServerError> {
        let public = open(inherited.public, &config.server.listen).await?;
        let admin = open(inherited.admin, &config.admin.listen).await?;
        let (addr, admin_addr) = (local_addr(&public)?, local_addr(&admin)?);
        Ok(Self { public, addr, admin, admin_addr })
    }
}

async fn open(inherited: Option<TcpListener>, address: &ListenAddress) -> Result<Listener, ServerError> {
    match inherited {
        Some(listening) => Listener::adopt(listening).map_err(|source| listen_error(&"an inherited socket", source)),
        None => bind(address).await,
    }
}

/// Binds the first of the addresses that can be bound.
async fn bind(address: &ListenAddress) -> Result<Listener, ServerError> {
    let name = address.clone();
    let found = tokio::task::spawn_blocking(move || name.resolve()).await;
    let found = found.map_err(std::io::Error::other).flatten();
    let mut failed = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
    for found in found.map_err(|source| listen_error(address, source))? {
        match Listener::bind(found) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(listen_error(address, failed))
}

fn local_addr(listener: &Listener) -> Result<SocketAddr, ServerError> {
    listener.local_addr().map_err(|source| listen_error(&"a socket without an address", source))
}

/// Returns the error of an address that cannot be served.
pub(super) fn listen_error(address: &impl ToString, source: std::io::Error) -> ServerError {
    ServerError::Listen { address: address.to_string(), source }
}
