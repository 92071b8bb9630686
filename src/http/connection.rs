//! One connection, from accept to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::client_address::ClientAddresses;
use super::extract::Connection;
use super::layers::Service;
use super::places::Place;
use super::proxy_header;
use super::tls::Tls;
use crate::auth::AddressRules;
use crate::domain::ClientAddress;
use crate::socket::{Connection as Accepted, Stream};
use crate::telemetry::metrics;

/// Longest time that a drain waits for a request that has begun: for its body, its work, and the writing of its
/// response.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes that are read from a connection at once, also more than its requests' heads may have: an upload in
/// smaller pieces costs more, one in larger pieces no less. A connection takes so much memory only while its client
/// sends so many.
const READ_BYTES: usize = 32 * 1024;

/// Deadlines and limits of a connection.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) handshake: Duration,
    pub(super) keep_alive: Duration,
    /// Longest time in which nothing can be written.
    pub(super) write: Duration,
    pub(super) head_bytes: usize,
}

/// What all connections of a listener are served with.
pub(super) struct Serving {
    pub(super) service: Service,
    pub(super) addresses: Arc<ClientAddresses>,
    /// None where nobody is blocked: at the operators' listener.
    pub(super) rules: Option<Arc<AddressRules>>,
    /// Permits of connections from blocked networks that are refused in words.
    pub(super) refusals: Arc<Semaphore>,
    /// None where clear text is spoken.
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) limits: Limits,
    pub(super) drain: CancellationToken,
}

/// A connection from a blocked network, while as many others as may be are told so.
pub(super) struct TooManyBanned;

impl Serving {
    /// Checks the client of a new connection. One from a blocked network gets a permit, for as long as it is told so.
    pub(super) fn check(&self, client: ClientAddress) -> Result<Option<OwnedSemaphorePermit>, TooManyBanned> {
        match &self.rules {
            Some(rules) if rules.check(client).is_err() => {
                self.refusals.clone().try_acquire_owned().map(Some).map_err(|_| TooManyBanned)
            }
            _ => Ok(None),
        }
    }
}

/// Returns the connection, which fails when nothing could be written for `limit`: a peer that does not read the
/// response must not keep it in memory.
fn with_write_timeout(stream: Stream, limit: Duration) -> Accepted {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limit));
    Box::pin(stream)
}

/// Serves a connection to its end.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    place: Arc<Place>,
    mut permit: Option<OwnedSemaphorePermit>,
    serving: Arc<Serving>,
) {
    let deadline = Instant::now() + serving.limits.handshake;
    // Frames are small and wanted now.
    let _ = stream.set_nodelay(true);
    let begun = Box::pin(begin(stream, peer, &place, &serving, &mut permit, deadline));
    if let Some(Some((stream, peer))) = serving.drain.run_until_cancelled(begun).await {
        let stream = with_write_timeout(stream, serving.limits.write);
        serve_requests(stream, peer, place, &serving, deadline).await;
    }
}

/// Does what comes before the first request: the PROXY header, then the handshake of TLS. Returns the stream of
/// requests and its other end, which is the client where a proxy has said so; `None` when the connection is to be
/// closed.
async fn begin(
    mut stream: TcpStream,
    peer: SocketAddr,
    place: &Place,
    serving: &Serving,
    permit: &mut Option<OwnedSemaphorePermit>,
    deadline: Instant,
) -> Option<(Stream, SocketAddr)> {
    let is_by_proxy = serving.addresses.are_in_proxy_headers();
    let peer = if is_by_proxy { client_by_proxy(&mut stream, peer, place).await? } else { peer };
    if is_by_proxy {
        let Ok(checked) = serving.check(peer.ip().into()) else {
            metrics().listener(place.listener()).banned.increment(1);
            return None;
        };
        *permit = checked;
    }
    let Some(tls) = &serving.tls else { return Some((Stream::Plain(stream), peer)) };
    let failed = match timeout_at(deadline, tls.accept(stream)).await {
        Ok(Ok(stream)) => return Some((Stream::Tls(stream), peer)),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it was not over in time".to_owned(),
    };
    metrics().tls_handshake_failures.increment(1);
    tracing::debug!(error = failed, "a handshake of TLS has failed");
    None
}

/// Reads the PROXY header of a connection. Returns the client, or the proxy when it speaks for itself; `None` without a
/// header that can be used, or when the client has too many connections.
async fn client_by_proxy(stream: &mut TcpStream, peer: SocketAddr, place: &Place) -> Option<SocketAddr> {
    match proxy_header::read(stream).await {
        Ok(None) => Some(peer),
        Ok(Some(client)) => {
            let is_within = place.belongs_to(ClientAddress::from(client).class());
            if !is_within {
                metrics().listener(place.listener()).too_many.increment(1);
            }
            is_within.then_some(SocketAddr::new(client, 0))
        }
        Err(error) => {
            metrics().listener(place.listener()).proxy_header.increment(1);
            tracing::debug!(error = %error, "a connection of a proxy was closed");
            None
        }
    }
}

/// Serves requests until the peer leaves, a deadline passes, or `drain` is cancelled: then the present request is still
/// served, if its head is there and the rest follows within seconds.
async fn serve_requests(stream: Accepted, peer: SocketAddr, place: Arc<Place>, serving: &Serving, deadline: Instant) {
    let Serving { limits, drain, .. } = serving;
    let established = Arc::new(AtomicBool::new(false));
    let service = TowerToHyperService::new(serving.service.clone());
    let (noted, addresses) = (established.clone(), serving.addresses.clone());
    let is_of_trusted_proxy = addresses.trusts_peer(peer);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        noted.store(true, Ordering::Relaxed);
        place.touch();
        let client = addresses.of(request.headers(), peer);
        request.extensions_mut().insert(Connection { client, is_of_trusted_proxy, place: place.clone() });
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The end of what a client sends is not the end of the client; that one is gone shows when the response is
        // written.
        .half_close(true)
        // Covers the wait for the next request too, so it is the longer of the two deadlines.
        .header_read_timeout(limits.keep_alive)
        .max_header_size(limits.head_bytes)
        .max_buf_size(READ_BYTES.max(limits.head_bytes))
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let first_request = tokio::time::sleep_until(deadline);
    tokio::pin!(first_request);
    let mut waiting = true;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = %error, "connection ended");
                }
                return;
            }
            () = &mut first_request, if waiting => {
                if !established.load(Ordering::Relaxed) {
                    tracing::debug!("no request within the handshake deadline");
                    return;
                }
                waiting = false;
            }
            () = drain.cancelled() => break,
        }
    }
    // What has come by now is read.
    if connection.as_mut().now_or_never().is_some() {
        return;
    }
    // Ends a connection without a request, also in the middle of a head, unless it is the first one.
    connection.as_mut().graceful_shutdown();
    if !established.load(Ordering::Relaxed) {
        return;
    }
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, connection).await;
}
