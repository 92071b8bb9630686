//! A server over TLS, HTTP/2 or HTTP/1.1, that keeps what it is asked and answers as planned.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::captured::Captured;
use super::frames::CountsPings;

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// With this status, header and body.
    Answer(u16, Option<(&'static str, String)>, String),
    /// Not at all.
    Hang,
    /// With this status and the beginning of a body that never ends.
    Drip(u16),
    /// By the end of the connection.
    Reset,
    /// As a good one.
    Good,
    /// As a good one; but the connection takes no further ones (HTTP/2: GOAWAY).
    GoAway,
}

impl Plan {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(status, None, String::new())
    }

    pub(crate) fn body(status: u16, body: &str) -> Self {
        Self::Answer(status, None, body.to_owned())
    }

    pub(crate) fn retry_after(status: u16, value: &str) -> Self {
        Self::Answer(status, Some(("retry-after", value.to_owned())), String::new())
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::Answer(302, Some(("location", to.to_owned())), String::new())
    }
}

/// What a service does with a request.
pub(super) trait Judge: Send + Sync + 'static {
    /// Checks a request as the real service does, and returns the answer to a good one. An error fails the test.
    fn judge(&self, request: &mut Captured) -> Result<Plan, String>;

    /// The answer has been sent.
    fn answered(&self, _connection: usize, _status: u16) {}
}

struct Shared {
    judge: Arc<dyn Judge>,
    captured: Mutex<Vec<Captured>>,
    plans: Mutex<VecDeque<Plan>>,
    /// How requests for devices are answered that nothing else is planned for.
    standing: Mutex<Option<Plan>>,
    faults: Mutex<Vec<String>>,
    connections: AtomicUsize,
    pings: Arc<AtomicUsize>,
}

/// A server that a test has started.
pub(crate) struct Double {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Double {
    /// Starts it on a free port.
    pub(super) async fn start(tls: Arc<ServerConfig>, judge: Arc<dyn Judge>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, tls, judge)
    }

    /// Serves what connects to this listener.
    pub(super) fn serve(listener: TcpListener, tls: Arc<ServerConfig>, judge: Arc<dyn Judge>) -> Self {
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            judge,
            captured: Mutex::default(),
            plans: Mutex::default(),
            standing: Mutex::default(),
            faults: Mutex::default(),
            connections: AtomicUsize::default(),
            pings: Arc::default(),
        });
        let (acceptor, of_connections) = (TlsAcceptor::from(tls), shared.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = of_connections.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, acceptor.clone(), of_connections.clone(), number));
            }
        });
        Self { addr, shared, accepting }
    }

    /// Returns where it is, by a name that its certificate has.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.addr.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Answers the next requests so, and those after them as good ones.
    pub(crate) fn plan(&self, plans: impl IntoIterator<Item = Plan>) {
        lock(&self.shared.plans).extend(plans);
    }

    /// Answers all requests for devices so from now on; with `None`, as good ones.
    pub(crate) fn answer_all(&self, plan: Option<Plan>) {
        *lock(&self.shared.standing) = plan;
    }

    /// Fails the test when a push service was sent more than it must be, or one of these texts.
    pub(super) fn check_secrecy(&self, markers: &[&str]) {
        self.captured().iter().for_each(|captured| captured.check_secrecy(markers));
    }

    /// Returns all requests so far.
    pub(crate) fn captured(&self) -> Vec<Captured> {
        lock(&self.shared.captured).clone()
    }

    /// Returns the last request.
    pub(crate) fn last(&self) -> Captured {
        self.captured().pop().unwrap()
    }

    /// Returns what was wrong with requests.
    pub(crate) fn faults(&self) -> Vec<String> {
        lock(&self.shared.faults).clone()
    }

    /// Returns the number of pings of clients (HTTP/2) so far.
    pub(crate) fn pings(&self) -> usize {
        self.shared.pings.load(Ordering::SeqCst)
    }

    /// Returns the number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.accepting.abort();
        // Whatever the test was about.
        if !std::thread::panicking() {
            self.check_secrecy(&[]);
        }
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>, connection: usize) {
    let Ok(tls) = acceptor.accept(stream).await else { return };
    let is_h2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let (cut, leave) = (CancellationToken::new(), CancellationToken::new());
    let pings = shared.pings.clone();
    let (cut_here, leave_here) = (cut.clone(), leave.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, cut, leave) = (shared.clone(), cut_here.clone(), leave_here.clone());
        async move { Ok::<_, Infallible>(answer(request, shared, connection, cut, leave).await) }
    });
    if is_h2 {
        let io = TokioIo::new(CountsPings::new(tls, pings));
        let mut serving = std::pin::pin!(http2::Builder::new(TokioExecutor::new()).serve_connection(io, service));
        tokio::select! {
            _ = &mut serving => return,
            () = cut.cancelled() => return,
            () = leave.cancelled() => serving.as_mut().graceful_shutdown(),
        }
        let _ = serving.await;
    } else {
        tokio::select! {
            _ = http1::Builder::new().serve_connection(TokioIo::new(tls), service) => {}
            () = cut.cancelled() => {}
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    connection: usize,
    cut: CancellationToken,
    leave: CancellationToken,
) -> Response<Answer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let path = head.uri.path().to_owned();
    let is_for_device = path != "/token";
    let mut captured = Captured { path, headers: head.headers, body, decrypted: None, status: None, connection };
    let judged = shared.judge.judge(&mut captured);
    let good = judged.unwrap_or_else(|fault| {
        lock(&shared.faults).push(fault);
        Plan::status(400)
    });
    let standing = lock(&shared.standing).clone().filter(|_| is_for_device);
    let plan = lock(&shared.plans).pop_front().or(standing).unwrap_or_else(|| good.clone());
    if matches!(plan, Plan::GoAway) {
        leave.cancel();
    }
    let plan = if matches!(plan, Plan::Good | Plan::GoAway) { good } else { plan };
    captured.status = match plan {
        Plan::Answer(status, ..) | Plan::Drip(status) => Some(status),
        _ => None,
    };
    lock(&shared.captured).push(captured);
    let (status, header, body) = match plan {
        Plan::Answer(status, header, body) => (status, header, Answer::Whole(Some(body.into()))),
        Plan::Drip(status) => (status, None, Answer::Drip(Some("{".into()))),
        Plan::Hang => std::future::pending().await,
        Plan::Reset | Plan::Good | Plan::GoAway => {
            cut.cancel();
            std::future::pending().await
        }
    };
    shared.judge.answered(connection, status);
    let mut response = Response::builder().status(status);
    if let Some((name, value)) = header {
        response = response.header(name, value);
    }
    response.body(body).unwrap()
}

/// The body of an answer.
enum Answer {
    Whole(Option<Bytes>),
    /// It begins and never ends.
    Drip(Option<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Drip(first) => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
