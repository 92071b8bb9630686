//! The operators' interface on this machine: HTTP over a Unix socket in the data directory, for the commands of
//! `fluent-backend admin`.
//!
//! There is no token: the kernel says who asks, and only the user that the server runs as and the superuser may. While
//! no server runs, the same interface is served over a pipe within the program itself.

mod client;
#[cfg(unix)]
mod socket;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio_util::sync::CancellationToken;

pub use client::{LocalAnswer, LocalClient};
#[cfg(unix)]
pub use socket::{LocalSocket, LocalSocketFile};

use super::admin;
use super::app::App;
use super::layers::Service;

/// Longest time for a request's head, and between two requests.
const IDLE: Duration = Duration::from_secs(30);
/// Bytes that a pipe within the program holds.
const PIPE_BYTES: usize = 64 * 1024;

/// The user of this machine who sends a request over the local interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalUser(pub(super) u32);

/// Returns the client's end of a pipe whose other end serves the local interface, until `stop` is cancelled.
pub fn serve_pipe(app: &Arc<App>, stop: CancellationToken) -> io::Result<DuplexStream> {
    let service = admin::local_service(app).map_err(io::Error::other)?;
    let (client, server) = tokio::io::duplex(PIPE_BYTES);
    tokio::spawn(serve(server, own_user(), service, stop));
    Ok(client)
}

/// Serves requests of `user` until the peer leaves or `stop` is cancelled.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    user: LocalUser,
    service: Service,
    stop: CancellationToken,
) {
    let service = TowerToHyperService::new(service);
    let service = hyper::service::service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(user);
        hyper::service::Service::call(&service, request)
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection of the local interface ended");
    }
}

/// Returns the user that this program runs as.
fn own_user() -> LocalUser {
    #[cfg(unix)]
    return LocalUser(rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    LocalUser(0)
}
