//! The one connection to Apple (HTTP/2), over which all wake-ups go as streams.
//!
//! Apple takes one stream until a request with a good token was answered, so further ones wait for the first 200.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::domain::Timestamp;
use crate::push::http::{MAX_BODY, Patience, Reply, Unanswered, wait};
use crate::push::tls::H2;

/// How long the answer to a ping may take.
const PONG: Duration = Duration::from_secs(20);
/// The most bytes of an answer's head.
const MAX_HEAD: u32 = 16 * 1024;

/// One of Apple's services, with the connection to it.
pub(super) struct Service {
    host: String,
    port: u16,
    connector: TlsConnector,
    patience: Patience,
    current: Mutex<Option<Arc<Connection>>>,
}

/// A connection.
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// Whether a request was answered by 200.
    is_proved: AtomicBool,
    /// Held by the one stream until then.
    first: Mutex<()>,
}

/// An answer, and how the request may be repeated.
pub(super) struct Answered {
    /// The answer.
    pub(super) reply: Reply,
    /// Apple's name of the request.
    pub(super) id: Option<String>,
}

/// Why a request was not answered.
pub(super) struct Failed {
    pub(super) why: Unanswered,
    /// Whether the connection had been good before: Apple has closed it, and another one may serve.
    pub(super) was_in_use: bool,
}

impl Service {
    /// Describes the service at this URL, which the settings have checked.
    pub(super) fn at(url: &Url, tls: &Arc<rustls::ClientConfig>, patience: Patience) -> Self {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        Self { host, port, connector: TlsConnector::from(tls.clone()), patience, current: Mutex::default() }
    }

    /// Returns the connection, made anew if there is none, and whether it was there.
    pub(super) async fn connection(&self, deadline: Instant) -> Result<(Arc<Connection>, bool), Failed> {
        let failed = |why| Failed { why, was_in_use: false };
        // Whoever waits here gets the connection that the first one makes.
        let mut current = timeout_at(deadline, self.current.lock()).await.map_err(|_| failed(Unanswered::Late))?;
        if let Some(connection) = current.as_ref().filter(|connection| !connection.requests.is_closed()) {
            return Ok((connection.clone(), true));
        }
        let by = deadline.min(Instant::now() + self.patience.connect);
        let made = timeout_at(by, Box::pin(self.connect())).await.map_err(|_| failed(Unanswered::Late))?;
        let connection = Arc::new(made.map_err(failed)?);
        *current = Some(connection.clone());
        Ok((connection, false))
    }

    /// Forgets a connection, so that the next request makes another one.
    pub(super) async fn drop(&self, connection: &Arc<Connection>) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, connection)) {
            *current = None;
        }
    }

    /// Returns host and port, as `:authority` names them.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 443 { host } else { format!("{host}:{}", self.port) }
    }

    async fn connect(&self) -> Result<Connection, Unanswered> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|_| Unanswered::Connect)?;
        // A wake-up is small, and should not wait for another one.
        let _ = tcp.set_nodelay(true);
        let name = ServerName::try_from(self.host.clone()).map_err(|_| Unanswered::Connect)?;
        let tls = self.connector.connect(name, tcp).await.map_err(|_| Unanswered::Tls)?;
        if tls.get_ref().1.alpn_protocol() != Some(H2) {
            return Err(Unanswered::Tls);
        }
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(self.patience.ping)
            .keep_alive_timeout(PONG)
            .keep_alive_while_idle(true)
            .max_header_list_size(MAX_HEAD);
        let (requests, connection) = builder.handshake(TokioIo::new(tls)).await.map_err(|_| Unanswered::Lost)?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = %error, "the connection to Apple has ended");
            }
        });
        Ok(Connection { requests, is_proved: AtomicBool::new(false), first: Mutex::default() })
    }
}

impl Connection {
    /// Makes a request, when it is its turn, and reads the answer until the deadline.
    pub(super) async fn ask(
        &self,
        request: Request<Full<Bytes>>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Answered, Failed> {
        let late = |_| Failed { why: Unanswered::Late, was_in_use: false };
        let turn = timeout_at(deadline, self.turn()).await.map_err(late)?;
        let mut requests = self.requests.clone();
        let sent = timeout_at(deadline, requests.send_request(request)).await.map_err(late)?;
        let was_in_use = self.is_proved.load(Ordering::Acquire);
        let response = sent.map_err(|_| Failed { why: Unanswered::Lost, was_in_use })?;
        if response.status() == http::StatusCode::OK {
            self.is_proved.store(true, Ordering::Release);
        }
        drop(turn);
        Ok(read(response, now, deadline).await)
    }

    /// Waits until this stream may be opened; until the first 200, one is open at a time.
    async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        if self.is_proved.load(Ordering::Acquire) {
            return None;
        }
        let turn = self.first.lock().await;
        (!self.is_proved.load(Ordering::Acquire)).then_some(turn)
    }
}

async fn read(response: Response<Incoming>, now: Timestamp, deadline: Instant) -> Answered {
    let (head, mut incoming) = response.into_parts();
    let (mut body, mut is_whole) = (Vec::new(), false);
    while body.len() < MAX_BODY {
        match timeout_at(deadline, incoming.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    body.extend_from_slice(&data);
                }
            }
            Ok(None) => {
                is_whole = true;
                break;
            }
            Ok(Some(Err(_))) | Err(_) => break,
        }
    }
    is_whole |= body.len() >= MAX_BODY;
    body.truncate(MAX_BODY);
    let id = head.headers.get("apns-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let retry_after = wait(&head.headers, now);
    Answered { reply: Reply { status: head.status.as_u16(), retry_after, body, is_whole }, id }
}
