//! Reading the bodies of requests: how much of them, in which time, and what is accepted as JSON.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ORIGIN};
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use serde::Deserializer;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use super::app::App;
use super::error::ApiError;
use super::extract::Request;
use super::route::BodyLimits;
use super::unread::RequestBody;

/// Bytes of all unfinished bodies of requests without a token.
const ALL_STRANGERS_BYTES: usize = 16 * 1024 * 1024;

/// Types that a page of any site may send without a preflight (Fetch, "CORS-safelisted request-header"). None of them
/// is JSON.
const SAFELISTED: [&str; 3] = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];

/// Room for the unfinished bodies of requests without a token, taken as their bytes come.
pub struct StrangersBytes(Arc<Semaphore>);

impl Default for StrangersBytes {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ALL_STRANGERS_BYTES)))
    }
}

/// The body of a request as its endpoint reads it, piece by piece, within the limits of its route. It ends with a
/// refusal when it is larger, comes too slowly, or finds no room.
pub(super) struct LimitedBody {
    body: RequestBody,
    /// Most bytes.
    limit: usize,
    /// Bytes that were read.
    read: usize,
    /// Longest time for all of it.
    time: Option<Duration>,
    /// The end of that time, once the body was waited for.
    deadline: Option<Pin<Box<Sleep>>>,
    room: Option<Room>,
}

/// The part of the room for strangers that a body takes, until it is dropped.
struct Room {
    all: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Room {
    fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        let bytes = u32::try_from(bytes).map_err(|_| ApiError::Unavailable)?;
        let more = self.all.clone().try_acquire_many_owned(bytes).map_err(|_| ApiError::Unavailable)?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

impl LimitedBody {
    /// Limits `body` to what a route reads.
    pub(super) fn new(body: RequestBody, limits: BodyLimits, app: &App) -> Self {
        let BodyLimits { bytes, time, takes_room, is_file } = limits;
        let limit = if is_file { bytes } else { bytes.min(app.config.http.max_body_bytes) };
        let room = takes_room.then(|| Room { all: app.strangers_bytes.0.clone(), taken: None });
        Self { body, limit, read: 0, time, deadline: None, room }
    }

    /// Returns the body with narrower limits.
    pub(super) fn narrowed(self, bytes: usize, time: Duration) -> Self {
        Self { limit: self.limit.min(bytes), time: Some(time), ..self }
    }

    /// Counts a piece. Fails when there is no room for it.
    fn count(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.read = self.read.saturating_add(bytes);
        if self.read > self.limit {
            return Err(ApiError::TooLarge { limit: self.limit });
        }
        self.room.as_mut().map_or(Ok(()), |room| room.take(bytes))
    }

    /// Waits for the end of the body's time.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(time) = self.time else { return Poll::Pending };
        self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(time))).as_mut().poll(cx)
    }
}

impl hyper::body::Body for LimitedBody {
    type Data = Bytes;
    type Error = ApiError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ApiError>>> {
        // Before the first read, which invites a client that waits for "100 Continue".
        let least = self.body.size_hint().lower().saturating_add(self.read as u64);
        if least > self.limit as u64 {
            return Poll::Ready(Some(Err(ApiError::TooLarge { limit: self.limit })));
        }
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let counted = self.count(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(counted.map(|()| frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(ApiError::NotJson))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.poll_deadline(cx).map(|()| Some(Err(ApiError::Unavailable))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A JSON object. By itself serde reads a list as an object, too: as its fields in their order.
#[derive(serde::Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(super) struct JsonObject<T>(#[serde(deserialize_with = "object")] pub(super) T);

fn object<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Fields<T>(PhantomData<T>);

    impl<'de, T: DeserializeOwned> Visitor<'de> for Fields<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    deserializer.deserialize_map(Fields(PhantomData))
}

/// Reads the body of a request as a JSON object. `expected` tells the client what it should be; what it was is never
/// repeated, since it may be a password.
pub(super) async fn json_body<T: DeserializeOwned>(request: Request, expected: &str) -> Result<T, ApiError> {
    match serde_json::from_slice(&json_bytes(request).await?) {
        Ok(JsonObject(read)) => Ok(read),
        Err(error) if error.is_data() => Err(ApiError::wrong_body(expected)),
        Err(_) => Err(ApiError::NotJson),
    }
}

/// Reads the body of a request, which says that it is JSON, as it came. Its head is checked first: a client that waits
/// for "100 Continue" is invited by the first read of the body.
pub(super) async fn json_bytes(request: Request) -> Result<Bytes, ApiError> {
    check_kind(request.headers())?;
    let mut body = request.into_body();
    let (mut whole, mut first) = (Vec::new(), Bytes::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&data);
        }
    }
    // Most bodies come in one piece, which needs no copy.
    Ok(if whole.is_empty() { first } else { whole.into() })
}

/// Refuses what is not JSON, and JSON that is compressed. A body without a type is taken for JSON, but not from a page:
/// that is how a page sends bytes without a preflight.
fn check_kind(headers: &HeaderMap) -> Result<(), ApiError> {
    let plain = |coding: &str| coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity");
    let codings = headers.get_all(CONTENT_ENCODING).iter();
    if !codings.map(|value| value.to_str().unwrap_or("?")).all(|codings| codings.split(',').all(plain)) {
        return Err(ApiError::UnknownCoding);
    }
    let essence = |kind: &str| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mut is_typed = false;
    for kind in headers.get_all(CONTENT_TYPE) {
        let kind = essence(kind.to_str().unwrap_or_default());
        if SAFELISTED.contains(&kind.as_str()) {
            return Err(ApiError::NotJsonType);
        }
        is_typed |= !kind.is_empty();
    }
    if is_typed || !headers.contains_key(ORIGIN) { Ok(()) } else { Err(ApiError::NotJsonType) }
}
