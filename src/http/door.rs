//! The door of a listener: it gives a place to each new connection, or refuses it at once.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::connection::{self, Serving};
use super::error::ApiError;
use super::places::{Found, NoPlace, Places};
use super::proxy_header;
use super::respond::Response;
use crate::domain::{ClientAddress, Limiter};
use crate::socket::Stream;
use crate::telemetry::{Seldom, metrics};

/// The time between two log lines about the same event, which may happen many times a second.
pub(super) const LOG_INTERVAL: Duration = Duration::from_mins(1);
/// Connections that are being refused at once; when more come, they are closed without a response.
pub const MAX_REFUSALS: usize = 32;
/// Longest time to refuse one.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes of a body that are read before the refusal: a response before the end of the body may get lost.
const REFUSAL_BODY: usize = 64 * 1024;

/// The log lines about a listener whose places are taken.
struct LogLines {
    evicted: Seldom,
    full: Seldom,
    too_many: Seldom,
    not_a_proxy: Seldom,
}

impl Default for LogLines {
    fn default() -> Self {
        let line = || Seldom::new(LOG_INTERVAL);
        Self { evicted: line(), full: line(), too_many: line(), not_a_proxy: line() }
    }
}

/// The door of one listener.
pub(super) struct Door {
    places: Arc<Places>,
    serving: Arc<Serving>,
    tasks: TaskTracker,
    refusals: Arc<Semaphore>,
    log_lines: LogLines,
}

impl Door {
    /// A door to `places` for connections that run in `tasks`.
    pub(super) fn new(places: Arc<Places>, serving: Serving, tasks: TaskTracker) -> Self {
        let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
        Self { places, serving: Arc::new(serving), tasks, refusals, log_lines: LogLines::default() }
    }

    /// Serves a connection, in the place of another one if need be, or refuses it.
    pub(super) fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        let is_proxy = self.serving.addresses.trusts(peer.ip());
        if self.serving.addresses.are_in_proxy_headers() && !is_proxy {
            return self.close_stranger(ClientAddress::from(peer.ip()));
        }
        let Ok(permit) = self.serving.check(peer.ip().into()) else {
            return metrics().listener(self.places.listener()).banned.increment(1);
        };
        match self.places.enter(ClientAddress::from(peer.ip()).class(), brings_others(peer.ip(), is_proxy)) {
            Ok(Found { place, evicted }) => {
                if let Some(other) = evicted {
                    self.evict(other.as_ref());
                }
                let place = Arc::new(place);
                let serving = connection::serve(stream, peer, place.clone(), permit, self.serving.clone());
                place.served_by(self.tasks.spawn(serving).abort_handle());
            }
            Err(NoPlace::TooMany) => {
                metrics().listener(self.places.listener()).too_many.increment(1);
                metrics().limiters.refused(Limiter::ConnectionsAddress);
                if self.log_lines.too_many.is_due() {
                    tracing::warn!(
                        "an address has server.max_connections_per_address connections: more of it are closed"
                    );
                }
            }
            Err(NoPlace::Full) => self.refuse(stream),
        }
    }

    /// Notes a connection that is closed because its client, who is no proxy, cannot be known.
    fn close_stranger(&mut self, peer: ClientAddress) {
        metrics().listener(self.places.listener()).proxy_header.increment(1);
        if self.log_lines.not_a_proxy.is_due() {
            tracing::warn!(
                network = %peer.network(),
                "connections from outside of server.trusted_proxies are closed, since server.client_address is \
                 \"proxy-protocol\""
            );
        }
    }

    /// Ends a connection that has lost its place.
    fn evict(&mut self, other: Option<&tokio::task::AbortHandle>) {
        if let Some(task) = other {
            task.abort();
        }
        if self.log_lines.evicted.is_due() {
            tracing::warn!(
                listener = self.places.listener().as_str(),
                connections = self.places.count(),
                "all places for connections are taken: idle ones on which nobody is signed in are closed for newcomers"
            );
        }
    }

    /// Refuses a connection for which no other can be closed.
    fn refuse(&mut self, stream: TcpStream) {
        metrics().listener(self.places.listener()).full.increment(1);
        if self.log_lines.full.is_due() {
            tracing::warn!(
                listener = self.places.listener().as_str(),
                connections = self.places.count(),
                "all places for connections are taken by clients that are signed in: newcomers are refused; \
                 raise server.max_connections"
            );
        }
        let Ok(permit) = self.refusals.clone().try_acquire_owned() else { return };
        let serving = self.serving.clone();
        self.tasks.spawn(async move {
            let _permit = permit;
            let refusing = async {
                let mut stream = stream;
                if serving.addresses.are_in_proxy_headers() {
                    proxy_header::read(&mut stream).await.ok()?;
                }
                let stream = match &serving.tls {
                    None => Stream::Plain(stream),
                    Some(tls) => Stream::Tls(tls.accept(stream).await.ok()?),
                };
                let service = hyper::service::service_fn(refuse_full);
                http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service).await.ok()
            };
            let _ = serving.drain.run_until_cancelled(timeout(REFUSAL_TIMEOUT, refusing)).await;
        });
    }
}

/// Returns whether the connections of this address may be those of many clients: of a proxy on this machine, or of one
/// that is trusted.
fn brings_others(address: IpAddr, is_proxy: bool) -> bool {
    is_proxy || address.to_canonical().is_loopback()
}

/// Returns the refusal of a listener without a place.
async fn refuse_full(request: http::Request<Incoming>) -> Result<Response, Infallible> {
    let _ = Limited::new(request.into_body(), REFUSAL_BODY).collect().await;
    Ok(ApiError::Unavailable.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_no_share_of_its_own() {
        for (address, is_proxy, expected) in [
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("192.0.2.1", false, false),
            ("10.0.0.2", false, false),
            ("2001:db8::1", false, false),
            ("10.0.0.2", true, true),
        ] {
            assert_eq!(brings_others(address.parse().unwrap(), is_proxy), expected, "{address} {is_proxy}");
        }
    }
}
