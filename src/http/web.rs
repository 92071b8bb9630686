//! The web client: the files that `web/app` is built into, which this program holds, and how they are served. Beside
//! it the page for operators, of `web/admin`.
//!
//! Private keys live in the pages of the client, and what an operator may do in theirs. So the browser is told to run
//! nothing that is not one of these files, and to talk to nobody but the server.

mod files;
mod operators;
mod policy;
mod served;
mod standalone;

use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};

pub use files::{WebFile, WebFiles};
pub(super) use operators::{OPERATORS_ROOT, has_operators_page, operators_page};
pub use standalone::StandaloneClient;

use super::error::ApiError;
use super::respond::{Response, full};
use files::INDEX;
use served::Policies;

/// Where the client is.
pub(super) const ROOT: &str = "/app/";

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
        let policies = Policies { content: self.content_policy.clone(), permissions: policy::PERMISSIONS };
        served::respond(&self.files, policies, path, headers)
    }
}

/// Leads to the client.
pub(super) fn redirect() -> Response {
    lead_to(StatusCode::PERMANENT_REDIRECT, ROOT)
}

/// Leads to another path.
pub(super) fn lead_to(status: StatusCode, path: &'static str) -> Response {
    let mut response = full(status, Vec::new());
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(path));
    response
}

#[cfg(test)]
mod tests;
