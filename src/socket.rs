//! Sockets: the handshake, and the pump that moves frames between a socket and its session.

mod admission;
mod clients;
mod closing;
mod credentials;
mod dialect;
mod drain;
mod handshake;
mod heartbeat;
mod pump;
mod read_ahead;
mod stream;
mod tail;
mod writing;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::upgrade::Parts;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::actors::{Credits, Gate, InFlightBytes, NewSocket, Opening, RegistryHandle, SocketFigures, send_queue};
use crate::auth::Access;
use crate::config;
use crate::domain::{ClientAddress, Seq, SocketId, UserId};
use crate::limits::Limiters;
use crate::protocol::who::Stamp;
use crate::protocol::{CloseReason, ErrorCode};
use crate::storage::Storage;
use crate::telemetry::{SocketKind, metrics};
use clients::{Client, SocketClients, WithClient};
use dialect::Dialect;
use drain::SocketDrain;
use pump::Pump;

pub use admission::{Admission, AdmissionPermit, NotAdmitted};
pub use credentials::{Unauthenticated, authenticate};
pub use handshake::{Handshake, HandshakeError};
pub use stream::Stream;

/// Longest wait for the registry to register a socket.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(5);
/// The part of a handshake's time for which a socket waits to be admitted: a refusal still reaches the client in time.
const ADMISSION_WAIT: f64 = 0.8;
/// The time for one socket of a drain: all of them are spread over their sum, or half of the window if that is less.
const DRAIN_PER_SOCKET: Duration = Duration::from_millis(1);

/// Longest time over which all sockets are closed at the fence.
const FENCE_SPREAD: Duration = Duration::from_secs(5);

/// An accepted connection, with its write deadline.
pub type Connection = Pin<Box<TimeoutStream<Stream>>>;

/// All sockets of this server.
pub struct Sockets {
    settings: Arc<pump::Settings>,
    handshake_timeout: Duration,
    /// Admits `fluent.v1` sockets, a few at a time.
    pub admission: Admission,
    registry: RegistryHandle,
    in_flight_bytes: InFlightBytes,
    last_id: AtomicU64,
    open: Arc<OpenSockets>,
    clients: Arc<SocketClients>,
    tasks: TaskTracker,
}

impl Sockets {
    /// Sockets that enter by `gate`, and are closed with 1012 when they must leave.
    #[must_use]
    pub fn new(
        config: &config::Config,
        registry: RegistryHandle,
        gate: Gate,
        limiters: Arc<Limiters>,
        storage: Arc<Storage>,
    ) -> Self {
        metrics().sockets.prepare_errors(ErrorCode::ALL.iter().map(|code| code.as_str()));
        let handshake_timeout = config.server.handshake_timeout();
        let max_wait = handshake_timeout.mul_f64(ADMISSION_WAIT);
        Self {
            admission: Admission::new(config.socket.max_per_user, max_wait, gate.drain().clone()),
            settings: Arc::new(pump::Settings::new(config, limiters, Some(storage))),
            handshake_timeout,
            registry,
            in_flight_bytes: InFlightBytes::new(config.socket.in_flight_bytes),
            last_id: AtomicU64::new(0),
            open: Arc::new(OpenSockets { counts: Default::default(), gate, window: config.server.drain_window() }),
            clients: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Registers a socket for `access` and returns the response that switches protocols; `opening` is what a
    /// `fluent.v1` client says about itself, and a legacy one is told what comes above a number, and has its stamp.
    /// Everything that is delivered from now on reaches the socket, although the client has not seen the response yet.
    /// `client` is whose address it is, and `hold` is dropped when the socket is closed. Returns `None` when the
    /// registry does not take it or the gate is shut.
    pub async fn open<B>(
        &self,
        mut request: Request<B>,
        handshake: &Handshake,
        access: &Access,
        (opening, above, stamp): (Option<Opening>, Seq, Option<Stamp>),
        client: Option<ClientAddress>,
        hold: impl Send + 'static,
    ) -> Option<Response<()>> {
        let leave = self.open.gate.enter()?;
        let id = SocketId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        let config = &self.settings.config;
        let (end, queue) = send_queue(config.queue_frames, config.queue_bytes);
        let (dialect, kind) = match &opening {
            None => (Dialect::Legacy, SocketKind::Legacy),
            Some(opening) if opening.is_background => (Dialect::V1, SocketKind::Background),
            Some(_) => (Dialect::V1, SocketKind::V1),
        };
        let (opened_at, socket) = (Instant::now(), queue.handle());
        let client = Client { user: access.user, kind, address: client, opened_at, socket };
        let client = SocketClients::add(&self.clients, id, client);
        let socket = NewSocket { id, login: access.login, queue: end, opening, above, stamp };
        let session = timeout(ATTACH_TIMEOUT, self.registry.attach(access.user, socket)).await.ok()??;
        let (open, all) = (OpenSocket::new(self.open.clone(), kind), self.open.clone());

        log_opened(access.user, id);
        let upgrade = hyper::upgrade::on(&mut request);
        // Half of the queue: the answers to a socket's own frames leave room for what others send.
        let credits = Credits::new(config.in_flight, config.queue_bytes / 2, self.in_flight_bytes.clone());
        let (settings, deadline, user) = (self.settings.clone(), self.handshake_timeout, access.user);
        self.tasks.spawn(async move {
            let _held: (_, _, WithClient) = (hold, open, client);
            // A client that left during the handshake gives an error here, and its place in the session is given up.
            let Ok(Ok(upgraded)) = timeout(deadline, upgrade).await else { return };
            // Without the wrappers of HTTP, which cost memory and a virtual call a read and write.
            let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<TokioIo<Connection>>() else {
                tracing::error!("a connection that this server has not accepted was upgraded");
                return;
            };
            // A copy: the buffer of HTTP is larger than ours, and mostly empty.
            let read = read_buf.to_vec();
            drop(read_buf);
            let drain = SocketDrain::new(leave, move || all.spread());
            let links = pump::Links { dialect, queue, session, credits, drain };
            let mut pump = Box::pin(Pump::new(io.into_inner(), read, user, settings, links)).await;
            let running = pin!(pump.run());
            let code = in_span(id, running).await;
            log_closed(user, id, code);
        });
        Some(handshake.response())
    }

    /// Returns how many sockets are open, or about to be.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.count()
    }

    /// Returns the same by kind.
    #[must_use]
    pub fn counts(&self) -> [usize; SocketKind::ALL.len()] {
        self.open.counts.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Returns the figures of all open sockets.
    #[must_use]
    pub fn figures(&self) -> Vec<SocketFigures> {
        self.clients.figures()
    }

    /// Closes one socket with 1012, so that its client opens another one. Returns whose it is; `None` when it is not
    /// open.
    pub fn close(&self, id: SocketId) -> Option<UserId> {
        self.clients.close(id, CloseReason::Restart)
    }

    /// Closes the sockets of the clients at these addresses, with 1008. Returns how many they are.
    pub fn close_banned(&self, is_banned: impl Fn(ClientAddress) -> bool) -> usize {
        self.clients.close_banned(is_banned)
    }

    /// Waits until every socket is closed, however long that takes.
    pub async fn closed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn log_closed(user: UserId, id: SocketId, code: u16) {
    metrics().sockets.closed(code);
    tracing::debug!(user.id = %user, connection.id = id.0, close.code = code, "socket closed");
}

/// Notes in the span of the handshake under which id the socket is known, and logs that it is open.
fn log_opened(user: UserId, id: SocketId) {
    tracing::Span::current().record("connection.id", id.0);
    tracing::debug!(user.id = %user, connection.id = id.0, "socket opened");
}

/// Returns the span of a socket, if anybody asks for it.
fn span_of(id: SocketId) -> Option<tracing::Span> {
    let span = tracing::debug_span!(parent: None, "socket.session", connection.id = id.0);
    (!span.is_disabled()).then_some(span)
}

/// Runs a socket in its span. Without anybody who asks for the span, no socket has room for it. What runs is pinned by
/// the caller: a future that were moved in here would take its room once more for each place that waits for it.
async fn in_span<T>(id: SocketId, running: Pin<&mut (impl Future<Output = T> + Send)>) -> T {
    if let Some(span) = span_of(id) {
        #[cfg(feature = "otlp")]
        let _kept = crate::telemetry::traces::SocketSpan::keep(id.0, &span);
        return Box::pin(running.instrument(span)).await;
    }
    running.await
}

/// The open sockets, and how they leave when all must.
struct OpenSockets {
    /// How many there are of each kind.
    counts: [AtomicUsize; SocketKind::ALL.len()],
    gate: Gate,
    /// Longest time of a drain, unless an operator asks for another one.
    window: Duration,
}

impl OpenSockets {
    /// Returns how many there are.
    fn count(&self) -> usize {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Returns the time over which the closing of all sockets is spread, so that not all clients return at once.
    fn spread(&self) -> Duration {
        let sockets = u32::try_from(self.count()).unwrap_or(u32::MAX);
        // The other half of the window is for writing what was read.
        let spread = DRAIN_PER_SOCKET.saturating_mul(sockets).min(self.gate.drain_window(self.window) / 2);
        if self.gate.is_fenced() { spread.min(FENCE_SPREAD) } else { spread }
    }
}

/// Counts an open socket for as long as it lives.
struct OpenSocket(Arc<OpenSockets>, SocketKind);

impl OpenSocket {
    fn new(all: Arc<OpenSockets>, kind: SocketKind) -> Self {
        all.counts[kind as usize].fetch_add(1, Ordering::Relaxed);
        metrics().sockets.open(kind).rise();
        Self(all, kind)
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.counts[self.1 as usize].fetch_sub(1, Ordering::Relaxed);
        metrics().sockets.open(self.1).fall();
    }
}
