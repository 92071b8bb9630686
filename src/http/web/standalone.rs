//! The web client alone, served on this machine for a server elsewhere: its code cannot be changed by that server.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{ROOT, WebClient, redirect};
use crate::config::Config;
use crate::http::error::ApiError;
use crate::http::layers::{self, Service};
use crate::http::pages;
use crate::http::respond::Response;
use crate::http::router::accepts_html;
use crate::http::unread::RawRequest;

/// Connections at once; further ones wait. A browser opens six.
const MAX_CONNECTIONS: usize = 64;
/// Longest time for a request's head, and between two requests.
const IDLE: Duration = Duration::from_secs(75);
/// Most bytes of a request's head that are held.
const HEAD_BYTES: usize = 16 * 1024;
/// Wait after a failed accept, as when the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A listener that serves the client and nothing else.
pub struct StandaloneClient {
    listener: TcpListener,
    service: Service,
}

impl StandaloneClient {
    /// Binds the address. Fails when another program has it.
    pub async fn bind(address: SocketAddr, client: WebClient, config: &Config) -> io::Result<Self> {
        let client = Arc::new(client);
        let endpoint = tower::service_fn(move |request: RawRequest| {
            let response = respond(&client, &request);
            async move { Ok::<_, Infallible>(response) }
        });
        Ok(Self { listener: TcpListener::bind(address).await?, service: layers::around(config, endpoint) })
    }

    /// Returns the address, with the port that was chosen.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is cancelled. Connections that are open then are dropped.
    pub async fn serve(self, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        while let Some(Ok(place)) = stop.run_until_cancelled(places.clone().acquire_owned()).await {
            let Some(accepted) = stop.run_until_cancelled(self.listener.accept()).await else { return };
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            };
            let (service, stop) = (TowerToHyperService::new(self.service.clone()), stop.clone());
            tokio::spawn(async move {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(IDLE)
                    .max_buf_size(HEAD_BYTES)
                    .serve_connection(TokioIo::new(stream), service);
                if let Some(Err(error)) = stop.run_until_cancelled(connection).await {
                    tracing::debug!(error = %error, "connection ended");
                }
                drop(place);
            });
        }
    }
}

fn respond(client: &WebClient, request: &RawRequest) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path();
    let found = match path.strip_prefix(ROOT) {
        _ if !is_read => Err(ApiError::MethodNotAllowed { allow: "GET, HEAD".to_owned() }),
        Some(file) => client.respond(file, request.headers()),
        None if path == "/" || path == "/app" => Ok(redirect()),
        None => Err(ApiError::NotFound("there is nothing at this path")),
    };
    match found {
        Err(ApiError::NotFound(_)) if accepts_html(request.headers()) => pages::not_found(),
        found => found.unwrap_or_else(ApiError::into_response),
    }
}
