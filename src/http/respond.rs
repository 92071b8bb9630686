//! Making responses.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde::Serialize;

use crate::storage::PAGE_BYTES;

/// Room for an entry of a list: more is allocated when it is not enough.
const ENTRY_BYTES: usize = 1152;

/// Bytes at which a list ends, whatever its entries are written as: twice what a page holds of contents.
pub(super) const MAX_LIST_BYTES: usize = 2 * PAGE_BYTES;

/// Bytes of a list after which other tasks of the thread may run: some 0.1 ms.
const TURN_BYTES: usize = 64 * 1024;

/// The response of an endpoint.
pub(super) type Response = http::Response<Full<Bytes>>;

/// Makes a response with a body and no headers.
pub(super) fn full(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
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
    let mut turn_ends = TURN_BYTES;
    for entry in entries {
        let end = body.len();
        if end > turn_ends {
            turn_ends = end + TURN_BYTES;
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

/// Returns the bytes of a body that has them all.
pub(super) fn whole(mut body: Full<Bytes>) -> Bytes {
    let frame = futures_util::FutureExt::now_or_never(body.frame()).flatten();
    frame.and_then(Result::ok).and_then(|frame| frame.into_data().ok()).unwrap_or_default()
}

/// Makes a response of another type.
pub(super) fn typed(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = full(status, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
