//! Making answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use serde::Serialize;

/// The answer of an endpoint.
pub(super) type Response = http::Response<Full<Bytes>>;

/// An answer with a body and nothing else.
pub(super) fn full(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

/// Done, and nothing to say.
pub(super) fn no_content() -> Response {
    full(StatusCode::NO_CONTENT, Bytes::new())
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    // The bodies are plain structs: nothing in them can fail to serialise.
    typed(status, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// A JSON answer that nobody may keep.
pub(super) fn secret_json(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer of another type.
pub(super) fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = full(status, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
