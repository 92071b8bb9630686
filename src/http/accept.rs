//! The accept loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::app::App;
use super::client_address::ClientAddresses;
use super::connection::{Limits, Serving};
use super::door::{Door, LOG_INTERVAL};
use super::places::Places;
use super::tls::Tls;
use super::{admin, public};
use crate::telemetry::{ListenerKind, Seldom};

/// Wait after a failed accept, as when the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Connections that the kernel holds until they are accepted, as far as `net.core.somaxconn` lets it: all clients
/// return at once after a restart, and one that finds no place tries again only after a second.
const BACKLOG: u32 = 4096;

/// Connections that are accepted before other ready tasks of the thread run: when thousands of clients return at once,
/// those that are connected already do not wait for all of them.
const IN_A_ROW: u32 = 4;

/// Connections from blocked networks that are told so at once; more are closed without a word.
const MAX_BANNED: usize = 64;

/// A bound address, before anything is served on it.
pub struct Listener(TcpListener);

impl Listener {
    /// Binds the address. Fails when another program has it.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restarted server takes its address back at once.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG).map(Self)
    }

    /// Takes over a socket that listens already, from the service manager or another server. What waits in its queue is
    /// accepted, and what still waits there when this server ends is for whoever else holds the socket.
    pub fn adopt(listening: std::net::TcpListener) -> io::Result<Self> {
        listening.set_nonblocking(true)?;
        TcpListener::from_std(listening).map(Self)
    }

    /// Returns the address, with the port that was chosen.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Serves the interface that `places` belong to until `drain` is cancelled, by `tls` if given; connections run in
    /// `tasks`, as many at once as there are places. Accepting never stops: the `Door` decides who gets a place.
    pub fn serve(
        self,
        app: &Arc<App>,
        places: Arc<Places>,
        tls: Option<Arc<Tls>>,
        drain: CancellationToken,
        tasks: &TaskTracker,
    ) -> io::Result<()> {
        let server = &app.config.server;
        let limits = Limits {
            handshake: server.handshake_timeout(),
            keep_alive: Duration::from_secs(server.keep_alive_s),
            write: Duration::from_secs(app.config.socket.write_timeout_s),
            head_bytes: app.config.http.max_head_bytes,
        };
        let (service, addresses, rules) = match places.listener() {
            ListenerKind::Public => {
                (public::service(app), app.client_addresses.clone(), Some(app.address_rules.clone()))
            }
            ListenerKind::Admin => (admin::service(app), Arc::new(ClientAddresses::of_peers()), None),
        };
        let service = service.map_err(io::Error::other)?;
        let refusals = Arc::new(Semaphore::new(MAX_BANNED));
        let serving = Serving { service, addresses, rules, refusals, tls, limits, drain: drain.clone() };
        let mut door = Door::new(places, serving, tasks.clone());
        tasks.spawn(async move {
            let mut in_a_row: u32 = 0;
            let failed = Seldom::new(LOG_INTERVAL);
            loop {
                in_a_row = in_a_row.wrapping_add(1);
                if in_a_row.is_multiple_of(IN_A_ROW) {
                    tokio::task::yield_now().await;
                }
                let accepted = tokio::select! {
                    biased;
                    () = drain.cancelled() => return,
                    accepted = self.0.accept() => accepted,
                };
                match accepted {
                    Ok((stream, peer)) => door.admit(stream, peer),
                    Err(error) => {
                        if failed.is_due() {
                            tracing::warn!(error = %error, "cannot accept connections; trying again");
                        }
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                }
            }
        });
        Ok(())
    }
}
