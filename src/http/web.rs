//! The web client: the files that `web/app` is built into, which this program holds, and how they are served.
//!
//! Private keys live in these pages. So the browser is told to run nothing that is not one of these files, and to talk
//! to nobody but the server.

mod files;
mod policy;
mod standalone;

use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, LOCATION, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

pub use files::{WebFile, WebFiles};
pub use standalone::StandaloneClient;

use super::compress::takes;
use super::error::ApiError;
use super::etag::is_cached;
use super::respond::{Response, full};
use files::INDEX;

/// Where the client is.
pub(super) const ROOT: &str = "/app/";
/// A file whose name changes with its contents.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A file that is asked for again each time, and is sent when it has changed.
const ASKED_AGAIN: &str = "no-cache";
/// No other site's window reaches these pages, and no other site shows their files.
const ISOLATION: [(HeaderName, &str); 3] = [
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), policy::PERMISSIONS),
];

/// The web client as one listener serves it.
pub struct WebClient {
    files: WebFiles,
    content_policy: HeaderValue,
}

impl WebClient {
    /// Returns the client that talks to the server it comes from; `None` where this program was built without one.
    #[must_use]
    pub fn embedded() -> Option<Self> {
        Self::of(WebFiles::embedded().clone())
    }

    fn of(files: WebFiles) -> Option<Self> {
        files.get(INDEX)?;
        Some(Self { files, content_policy: HeaderValue::from_static(policy::CONTENT) })
    }

    /// Returns the same client for a server elsewhere, given by its origin, such as `https://chat.example.org`. `None`
    /// when this is no origin of HTTP, or the page has no place for it.
    #[must_use]
    pub fn of_server(&self, origin: &str) -> Option<Self> {
        let content_policy = HeaderValue::try_from(policy::with_server(origin)?).ok()?;
        Some(Self { files: self.files.with_server(origin)?, content_policy })
    }

    /// Returns the files.
    #[must_use]
    pub fn files(&self) -> &WebFiles {
        &self.files
    }

    /// Returns the policy that goes with each file.
    #[must_use]
    pub fn content_policy(&self) -> &HeaderValue {
        &self.content_policy
    }

    /// Returns the file at a path below `/app/`, where the client starts. Its pages are named behind the `#`, which no
    /// request has.
    pub(super) fn respond(&self, path: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
        let name = if path.is_empty() { INDEX } else { path };
        let file = self.files.get(name).ok_or(ApiError::NotFound("there is nothing at this path"))?;
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
        known.insert(CONTENT_SECURITY_POLICY, self.content_policy.clone());
        // Made of digits.
        known.extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
        known.extend(ISOLATION.map(|(name, value)| (name, HeaderValue::from_static(value))));
        Ok(response)
    }
}

/// Leads to the client.
pub(super) fn redirect() -> Response {
    let mut response = full(StatusCode::PERMANENT_REDIRECT, Vec::new());
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(ROOT));
    response
}

#[cfg(test)]
mod tests;
