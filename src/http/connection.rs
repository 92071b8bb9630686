//! One connection, from accept to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use super::extract::Connection;
use super::layers::Service;
use crate::socket::Connection as Accepted;

/// Longest time that a drain waits for a request that has begun: for its body, its work, and the writing of its
/// response.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Deadlines and limits of a connection.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) handshake: Duration,
    pub(super) keep_alive: Duration,
    /// Longest time in which nothing can be written.
    pub(super) write: Duration,
    pub(super) head_bytes: usize,
}

/// Returns the connection, which fails when nothing could be written for `limit`: a peer that does not read the
/// response must not keep it in memory.
fn with_write_timeout(stream: TcpStream, limit: Duration) -> Accepted {
    // Frames are small and wanted now.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limit));
    Box::pin(stream)
}

/// Serves requests until the peer leaves, a deadline passes, or `drain` is cancelled: then the present request is still
/// served, if its head is there and the rest follows within seconds.
pub(super) async fn serve(
    stream: TcpStream,
    origin: Connection,
    service: Service,
    limits: Limits,
    drain: CancellationToken,
) {
    let stream = with_write_timeout(stream, limits.write);
    let established = Arc::new(AtomicBool::new(false));
    let service = TowerToHyperService::new(service);
    let noted = established.clone();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        noted.store(true, Ordering::Relaxed);
        origin.place.touch();
        request.extensions_mut().insert(origin.clone());
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The end of what a client sends is not the end of the client; that one is gone shows when the response is
        // written.
        .half_close(true)
        // Covers the wait for the next request too, so it is the longer of the two deadlines.
        .header_read_timeout(limits.keep_alive)
        .max_buf_size(limits.head_bytes)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let first_request = tokio::time::sleep(limits.handshake);
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
