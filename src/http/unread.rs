//! The rest of a request's body, which is read and dropped when its response is there already.
//!
//! A connection that is closed with unread input is reset. A peer that is still writing then, such as a proxy, sees
//! the reset and not the response, and sends 502 to its own client. So the rest of every body is read and dropped,
//! whichever endpoint, layer or deadline has responded: at most [`Rest::limit`] bytes, for [`DEADLINE`], without pauses
//! of more than [`PAUSE`]. The response does not wait for it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::{Instant, timeout, timeout_at};
use tower::{BoxError, Service};

use super::layers::Body;

/// Longest time for reading the rest of a body.
const DEADLINE: Duration = Duration::from_secs(10);
/// Longest pause of a client that is still sending its body.
const PAUSE: Duration = Duration::from_secs(5);

/// A request with its body, as the layers see it.
pub(super) type RawRequest = http::Request<RequestBody>;

/// The layer of [`ReadRest`], the outermost one.
#[derive(Clone, Copy)]
pub(super) struct ReadRestLayer {
    /// Most bytes of a body that are read and dropped.
    pub(super) limit: u64,
}

impl<S> tower::Layer<S> for ReadRestLayer {
    type Service = ReadRest<S>;

    fn layer(&self, inner: S) -> ReadRest<S> {
        ReadRest { inner, limit: self.limit }
    }
}

/// The service that gives each request a body whose rest is read when it is dropped unread.
#[derive(Clone)]
pub(super) struct ReadRest<S> {
    inner: S,
    limit: u64,
}

impl<S> Service<http::Request<Incoming>> for ReadRest<S>
where
    S: Service<RawRequest, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Incoming>) -> Self::Future {
        let limit = self.limit;
        let expects = expects_continue(request.headers());
        let (head, body) = request.into_parts();
        let (unread, mut left) = oneshot::channel();
        let unread = (!body.is_end_stream()).then_some(unread);
        let body = RequestBody { body: Some(body), is_begun: false, unread };
        let responding = self.inner.call(http::Request::from_parts(head, body));
        Box::pin(async move {
            let mut response = responding.await?;
            let rest = match left.try_recv() {
                Ok(left) => Some(Unread::Left(left)),
                // The response is made while the body is read.
                Err(TryRecvError::Empty) => Some(Unread::Held(left)),
                Err(TryRecvError::Closed) => None,
            };
            let rest = rest.map(|unread| Rest { unread: Some(unread), limit });
            if rest.as_ref().is_some_and(|rest| rest.ends_connection(expects)) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| ResponseBody { body, _rest: rest }))
        })
    }
}

/// Returns whether the client waits for an invitation to send the body (RFC 9110 §10.1.1).
fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The body of a request. Dropped before its end, it hands over what is left.
pub(super) struct RequestBody {
    /// `None` after its end.
    body: Option<Incoming>,
    /// Whether a read has begun, which invites the client to send the body.
    is_begun: bool,
    /// Takes the rest of the body; `None` when there is no body.
    unread: Option<oneshot::Sender<Left>>,
}

/// The rest of a body that was dropped before its end.
struct Left {
    body: Incoming,
    is_begun: bool,
}

impl hyper::body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.is_begun = true;
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(body), Some(unread)) = (self.body.take(), self.unread.take())
            && !body.is_end_stream()
        {
            // Without a receiver the client has gone already.
            let _ = unread.send(Left { body, is_begun: self.is_begun });
        }
    }
}

/// The body of a response, with the rest of its request's body.
pub(super) struct ResponseBody {
    /// Dropped first: it may hold the request's body.
    body: Body,
    _rest: Option<Rest>,
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The rest of a body, read and dropped once this is dropped: with the response's body, when hyper has begun the
/// response. Before that, hyper would invite a client that waits ("100 Continue") to send what is not wanted.
struct Rest {
    /// `None` once it is being read.
    unread: Option<Unread>,
    limit: u64,
}

/// Where the rest of a body is.
enum Unread {
    /// The body was given up before the response began.
    Left(Left),
    /// The body is still being read; when it is given up, the rest of it comes here.
    Held(oneshot::Receiver<Left>),
}

impl Rest {
    /// Returns whether no other request can follow: the uninvited body may come or not, or it is too long to be read.
    fn ends_connection(&self, expects_continue: bool) -> bool {
        let ends = |left: &Left| (expects_continue && !left.is_begun) || left.body.size_hint().lower() > self.limit;
        matches!(&self.unread, Some(Unread::Left(left)) if ends(left))
    }

    async fn discard(unread: Unread, limit: u64) {
        let left = match unread {
            Unread::Left(left) => Ok(left),
            Unread::Held(left) => left.await,
        };
        // The sender is dropped without the rest when the body was read to its end.
        let Ok(Left { mut body, .. }) = left else { return };
        let deadline = Instant::now() + DEADLINE;
        let mut read = 0;
        while read <= limit {
            let frame = timeout_at(deadline, timeout(PAUSE, body.frame())).await;
            let Ok(Ok(Some(Ok(frame)))) = frame else { return };
            read += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        // There is no runtime when the process ends.
        if let (Some(unread), Ok(runtime)) = (self.unread.take(), Handle::try_current()) {
            runtime.spawn(Self::discard(unread, self.limit));
        }
    }
}
