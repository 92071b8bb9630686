//! The calls that files are made of.

use std::time::Duration;

use bytes::Bytes;
use fluent_client::files::{DownloadAnswer, UploadAnswer};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;

use super::Api;
use crate::http::CallError;

/// What tus is spoken in.
const TUS: (&str, &str) = ("tus-resumable", "1.0.0");
/// The header that says how far an upload is.
const UPLOAD_OFFSET: &str = "upload-offset";

/// The body of a response to a declaration, or of an error.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    id: Option<String>,
    offset: Option<u64>,
    detail: String,
}

impl Api {
    /// Declares a file, which is the same one when it was declared under this name before. Returns the response, and
    /// what it says for people.
    pub(crate) async fn declare(
        &self,
        name: &str,
        size: u64,
        sha256: &str,
    ) -> Result<(UploadAnswer, String), CallError> {
        let body = json!({"size": size, "sha256": sha256}).to_string();
        let headers = [("idempotency-key", name), (CONTENT_TYPE.as_str(), "application/json")];
        self.upload_call(Method::POST, "/media", &headers, body.into()).await
    }

    /// Asks how far an upload is.
    pub(crate) async fn offset(&self, id: &str) -> Result<(UploadAnswer, String), CallError> {
        self.upload_call(Method::HEAD, &path(id), &[TUS], Bytes::new()).await
    }

    /// Sends a part of a file.
    pub(crate) async fn append(&self, id: &str, offset: u64, part: Bytes) -> Result<(UploadAnswer, String), CallError> {
        let offset = offset.to_string();
        let kind = (CONTENT_TYPE.as_str(), "application/offset+octet-stream");
        self.upload_call(Method::PATCH, &path(id), &[TUS, kind, (UPLOAD_OFFSET, &offset)], part).await
    }

    /// Asks for a file from a byte on; its content follows in the body.
    pub(crate) async fn read(&self, id: &str, first: u64) -> Result<(DownloadAnswer, Incoming), CallError> {
        let range = format!("bytes={first}-");
        let (head, body) = self.call(Method::GET, &path(id), &[(RANGE.as_str(), &range)], &Bytes::new()).await?;
        let range = head.headers.get(CONTENT_RANGE).and_then(|value| content_range(value.to_str().ok()?));
        let answer = DownloadAnswer { status: head.status.as_u16(), range, retry_after: retry_after(&head.headers) };
        Ok((answer, body))
    }

    /// Asks for the size of a file.
    pub(crate) async fn size(&self, id: &str) -> Result<u64, CallError> {
        let (head, _) = self.call(Method::HEAD, &path(id), &[], &Bytes::new()).await?;
        match number(&head.headers, CONTENT_LENGTH.as_str()) {
            Some(size) if head.status.is_success() => Ok(size),
            _ => Err(CallError::refused(head.status, &head.headers, &[])),
        }
    }

    async fn upload_call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<(UploadAnswer, String), CallError> {
        let (head, body) = self.call(method, path, headers, &body).await?;
        let body = body.collect().await.map_err(CallError::unreachable)?.to_bytes();
        let Body { id, offset, detail } = serde_json::from_slice(&body).unwrap_or_default();
        let answer = UploadAnswer {
            status: head.status.as_u16(),
            id,
            offset: offset.or_else(|| number(&head.headers, UPLOAD_OFFSET)),
            retry_after: retry_after(&head.headers),
        };
        Ok((answer, detail))
    }

    /// Sends a request, with a new token if it must be. Other refusals are responses.
    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> Result<(Parts, Incoming), CallError> {
        self.with_token(async |http, token| {
            let (head, content) = http.stream(method.clone(), path, token, headers, body.clone()).await?;
            if head.status == StatusCode::UNAUTHORIZED {
                return Err(CallError::refused(head.status, &head.headers, &[]));
            }
            Ok((head, content))
        })
        .await
    }
}

fn path(id: &str) -> String {
    format!("/media/{id}")
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    number(headers, RETRY_AFTER.as_str()).map(Duration::from_secs)
}

/// Returns the first byte and the size of all in `bytes first-last/size`.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, 10)));
        for bad in ["bytes */10", "bytes 5-9/*", "5-9/10", "bytes 5/10"] {
            assert_eq!(content_range(bad), None, "{bad}");
        }
    }
}
