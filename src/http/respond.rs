//! Making responses.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use tower::BoxError;

use crate::storage::PAGE_BYTES;

/// Bytes that are reserved for an entry of a list; more are allocated when they are not enough.
const ENTRY_BYTES: usize = 1152;

/// Bytes at which a list ends, however its entries are written: twice what a page holds of contents.
pub(super) const MAX_LIST_BYTES: usize = 2 * PAGE_BYTES;

/// Bytes of a list after which other tasks of the thread may run: some 0.1 ms.
const YIELD_BYTES: usize = 64 * 1024;

/// The response of an endpoint.
pub(super) type Response = http::Response<Body>;

/// The body of an endpoint's response.
pub(super) enum Body {
    /// All of its bytes, which cost no allocation beside their own.
    Whole(Bytes),
    /// A body that is made while it is written: its frames are small, so that a slow reader keeps little in memory. An
    /// error in it ends the connection, which tells the client that the body is not complete.
    Stream(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body {
    /// A body that is made while it is written.
    pub(super) fn stream<B>(body: B) -> Self
    where
        B: hyper::body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::Stream(body.map_err(Into::into).boxed_unsync())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(body) => body.size_hint(),
        }
    }
}

/// Makes a response with a body and no headers.
pub(super) fn full(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::Whole(body.into()));
    *response.status_mut() = status;
    response
}

/// Makes a response without a body.
pub(super) fn no_content() -> Response {
    full(StatusCode::NO_CONTENT, Bytes::new())
}

/// Makes a JSON response.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // The bodies are plain structs: nothing in them can fail to serialise.
    typed(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// Makes a JSON response of entries of about a kilobyte, such as messages or keys. The list ends at
/// [`MAX_LIST_BYTES`], but never before the first entry: JSON can be larger than the contents, as for control
/// characters. While a large one is made, other tasks run in between.
pub(super) async fn json_list(status: StatusCode, entries: &[impl Serialize]) -> Response {
    // Made in place: a buffer that grows is copied again and again.
    let mut body = Vec::with_capacity(entries.len() * ENTRY_BYTES + 2);
    body.push(b'[');
    let mut yield_at = YIELD_BYTES;
    for entry in entries {
        let end = body.len();
        if end > yield_at {
            yield_at = end + YIELD_BYTES;
            tokio::task::yield_now().await;
        }
        if end > 1 {
            body.push(b',');
        }
        // As in `json`; a vector takes everything that is written to it.
        let _ = serde_json::to_writer(&mut body, entry);
        if end > 1 && body.len() > MAX_LIST_BYTES {
            body.truncate(end);
            break;
        }
        if end == 1 && body.len() > ENTRY_BYTES {
            // The others may be as large.
            body.reserve(body.len().saturating_mul(entries.len() - 1).min(PAGE_BYTES));
        }
    }
    body.push(b']');
    typed(status, "application/json", body)
}

/// Makes a JSON response that no cache may keep.
pub(super) fn secret_json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Makes a response of another type.
pub(super) fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = full(status, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
