//! Reading files, and asking how far an upload is.

use std::ops::Range;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde::Deserialize;
use utoipa::IntoParams;

use super::create::upload_headers;
use super::headers::{REPR_DIGEST, TUS_RESUMABLE, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_METADATA, check_version};
use super::range::{Wanted, wanted};
use super::{counted, id, service};
use crate::domain::{Media, MediaState, UserId};
use crate::http::app::App;
use crate::http::error::{ApiError, MediaRefusal, Problem};
use crate::http::etag::is_cached;
use crate::http::extract::{Request, query, signed_in};
use crate::http::refusals::NotFound;
use crate::http::respond::{Body, Response, full};
use crate::protocol::tus::written_repr_digest;
use crate::service::media::Download;
use crate::telemetry::MediaOp;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Whatever a file holds, a browser that shows it runs nothing in it.
const CSP: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct LinkQuery {
    /// The token of a link, in place of the access token.
    l: Option<String>,
}

/// Read a file, or one range of it.
///
/// While no message names the file, its owner may; from then on, whoever is shown a message that does. HEAD returns the
/// head alone; with `Tus-Resumable: 1.0.0` it says to the owner how far the upload is.
#[utoipa::path(get, path = "/media/{id}", operation_id = "read_file", tag = "media",
    params(
        ("id" = String, Path, description = "The file's id"),
        LinkQuery,
        ("Range" = Option<String>, Header, description = "One range of bytes; with several, all of the file comes"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the file that the range is of"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of a file that is there already"),
    ),
    security((), ("bearer" = [])),
    responses(
    (status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>),
    (status = 206, description = "The range", content_type = "application/octet-stream", body = Vec<u8>),
    (status = 304, description = "It is there already"),
    NotFound,
    (status = 416, description = "The range is outside of the file", body = Problem),
    (status = 503, description = "Too many transfers just now", body = Problem),
))]
pub(in crate::http) async fn read(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    if request.method() == Method::HEAD && request.headers().contains_key(TUS_RESUMABLE) {
        return counted(MediaOp::Offset, offset(&app, &request).await);
    }
    counted(MediaOp::Read, file(&app, &request).await)
}

/// Says how far an upload is.
async fn offset(app: &App, request: &Request) -> Result<Response, ApiError> {
    let media = service(app)?;
    let access = signed_in(app, request)?;
    check_version(request.headers())?;
    let file = media.offset(access.user, id(request)?).await?;
    let mut response = full(StatusCode::OK, bytes::Bytes::new());
    let headers = response.headers_mut();
    upload_headers(headers, &file);
    if matches!(file.state, MediaState::Complete | MediaState::Attached) {
        headers.remove(UPLOAD_EXPIRES);
    }
    headers.insert(UPLOAD_LENGTH, HeaderValue::from(file.size));
    if let Some(metadata) = file.metadata.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Returns the file, or what of it is wanted.
async fn file(app: &App, request: &Request) -> Result<Response, ApiError> {
    let media = service(app)?;
    let (user, file) = find(app, request).await?;
    let etag = format!("\"{}\"", file.id);
    if is_cached(request.headers(), &etag) {
        let mut response = full(StatusCode::NOT_MODIFIED, bytes::Bytes::new());
        cache_headers(response.headers_mut(), &etag);
        return Ok(response);
    }
    let (status, range) = match wanted(request.headers(), &etag, file.size) {
        Wanted::Whole => (StatusCode::OK, 0..file.size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Outside => return Err(MediaRefusal::OutOfRange(file.size).into()),
    };
    let mut response = if request.method() == Method::HEAD {
        full(status, bytes::Bytes::new())
    } else {
        let download = media.download(user, &file, range.clone()).await?;
        let mut response = Response::new(body(download));
        *response.status_mut() = status;
        response
    };
    file_headers(response.headers_mut(), &file, &etag);
    part_headers(response.headers_mut(), status, &range, file.size);
    Ok(response)
}

/// Finds the file for whoever has a link to it, or is signed in and may read it.
async fn find(app: &App, request: &Request) -> Result<(UserId, Media), ApiError> {
    let media = service(app)?;
    let LinkQuery { l } = query(request)?;
    if let Some(token) = l {
        return Ok(media.linked(id(request)?, &token).await?);
    }
    let access = signed_in(app, request)?;
    Ok((access.user, media.readable(access.user, id(request)?).await?))
}

fn body(download: Download) -> Body {
    Body::stream(StreamBody::new(download.send().map_ok(Frame::data)))
}

fn cache_headers(headers: &mut HeaderMap, etag: &str) {
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(ETAG, etag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Authorization, Origin"));
}

fn file_headers(headers: &mut HeaderMap, file: &Media, etag: &str) {
    cache_headers(headers, etag);
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, "application/octet-stream");
    set(ACCEPT_RANGES, "bytes");
    set(CONTENT_SECURITY_POLICY, CSP);
    set(CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin");
    // The id has neither quotes nor spaces.
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{}.bin\"", file.id)) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    if let Some(digest) = file.sha256.and_then(|sha256| HeaderValue::try_from(written_repr_digest(&sha256)).ok()) {
        headers.insert(REPR_DIGEST, digest);
    }
}

fn part_headers(headers: &mut HeaderMap, status: StatusCode, range: &Range<u64>, size: u64) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::try_from(format!("bytes {}-{}/{size}", range.start, range.end - 1))
    {
        headers.insert(CONTENT_RANGE, range);
    }
}
