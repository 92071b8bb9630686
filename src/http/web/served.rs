//! How a file is served: with its policies, compressed for whoever reads that, and not again to whoever has it.

use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::files::{INDEX, WebFiles};
use crate::http::compress::takes;
use crate::http::error::ApiError;
use crate::http::etag::is_cached;
use crate::http::respond::{Response, full};

/// A file whose name changes with its contents.
pub(super) const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A file that is asked for again each time, and is sent when it has changed.
pub(super) const ASKED_AGAIN: &str = "no-cache";
/// No other site's window reaches these pages, and no other site shows their files.
const ISOLATION: [(HeaderName, &str); 2] = [
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What browsers are told to forbid the pages.
pub(super) struct Policies {
    /// Content Security Policy.
    pub(super) content: HeaderValue,
    /// Permissions Policy.
    pub(super) permissions: &'static str,
}

/// Returns the file at a path below that of the pages, which start at the empty one.
pub(super) fn respond(
    files: &WebFiles,
    policies: Policies,
    path: &str,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let name = if path.is_empty() { INDEX } else { path };
    let file = files.get(name).ok_or(ApiError::NotFound("there is nothing at this path"))?;
    let brotli = file.brotli().filter(|_| takes(headers, &["br"]));
    let etag = file.etag(brotli.is_some());
    let mut response = if is_cached(headers, &etag) {
        full(StatusCode::NOT_MODIFIED, Vec::new())
    } else {
        full(StatusCode::OK, brotli.unwrap_or_else(|| file.plain()).clone())
    };
    let known = response.headers_mut();
    if brotli.is_some() {
        known.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    known.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type()));
    known.insert(CACHE_CONTROL, HeaderValue::from_static(if file.is_hashed() { FOR_EVER } else { ASKED_AGAIN }));
    known.insert(VARY, HeaderValue::from_static("accept-encoding"));
    known.insert(CONTENT_SECURITY_POLICY, policies.content);
    known.insert("permissions-policy", HeaderValue::from_static(policies.permissions));
    // Made of digits.
    known.extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
    known.extend(ISOLATION.map(|(name, value)| (name, HeaderValue::from_static(value))));
    Ok(response)
}
