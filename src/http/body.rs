//! Reading the bodies of requests: what is accepted as JSON, and how much of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ORIGIN};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::app::App;
use super::error::ApiError;
use super::extract::Request;

/// Largest body of a request without a token. The largest registration takes less.
const STRANGERS_BYTES: usize = 32 * 1024;
/// Longest time in which the body of a request without a token must arrive.
const STRANGERS_TIME: Duration = Duration::from_secs(10);
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

impl StrangersBytes {
    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        let bytes = u32::try_from(bytes).map_err(|_| ApiError::Unavailable)?;
        self.0.clone().try_acquire_many_owned(bytes).map_err(|_| ApiError::Unavailable)
    }
}

/// Reads the body of a signed-in user's request as JSON. `expected` tells the client what it should be; what it was is
/// never repeated, since it may be a password.
pub(super) async fn json_body<T: DeserializeOwned>(app: &App, request: Request, expected: &str) -> Result<T, ApiError> {
    from_json(&whole_body(app, request).await?, expected)
}

/// Reads the body of anybody's request as JSON: small, within [`STRANGERS_TIME`], and only as many at once as there is
/// room for.
pub(super) async fn strangers_json_body<T: DeserializeOwned>(
    app: &App,
    request: Request,
    expected: &str,
) -> Result<T, ApiError> {
    let limit = STRANGERS_BYTES.min(app.config.http.max_body_bytes);
    let reading = read(request, limit, Some(&app.strangers_bytes));
    let body = tokio::time::timeout(STRANGERS_TIME, reading).await.map_err(|_| ApiError::Unavailable)??;
    from_json(&body, expected)
}

/// Reads the body of a signed-in user's request as it came.
pub(super) async fn whole_body(app: &App, request: Request) -> Result<Bytes, ApiError> {
    read(request, app.config.http.max_body_bytes, None).await
}

/// Checks the head first: a client that waits for "100 Continue" is invited by the first read of the body.
async fn read(request: Request, limit: usize, room: Option<&StrangersBytes>) -> Result<Bytes, ApiError> {
    check_kind(request.headers())?;
    let mut body = request.into_body();
    if body.size_hint().lower() > limit as u64 {
        return Err(ApiError::TooLarge { limit });
    }
    let (mut whole, mut first, mut taken) = (Vec::new(), Bytes::new(), None::<OwnedSemaphorePermit>);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| ApiError::NotJson)?.into_data() else { continue };
        if first.len() + whole.len() + data.len() > limit {
            return Err(ApiError::TooLarge { limit });
        }
        if let Some(room) = room {
            let more = room.take(data.len())?;
            match &mut taken {
                Some(taken) => taken.merge(more),
                None => taken = Some(more),
            }
        }
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

fn from_json<T: DeserializeOwned>(body: &[u8], expected: &str) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() { ApiError::Invalid(format!("the body must be {expected}")) } else { ApiError::NotJson }
    })
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
