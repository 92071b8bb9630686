//! What this server can do with uploads, said in the response to `OPTIONS`; and the version in all responses about
//! files.
//!
//! The layer stands outside of the one for CORS, which responds to every `OPTIONS` itself.

use std::task::{Context, Poll};

use futures_util::TryFutureExt as _;
use futures_util::future::{Either, MapOk};
use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tower::Service;

use super::headers::{REPR_DIGEST, TUS_RESUMABLE, UPLOAD_CHECKSUM, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_METADATA};
use crate::http::error::{TUS_MAX_SIZE, TUS_VERSIONS, UPLOAD_OFFSET};
use crate::http::unread::RawRequest;
use crate::media::ChecksumKind;
use crate::protocol::tus::{TUS_EXTENSIONS, TUS_VERSION};

const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
pub(super) const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Headers about files that pages may send.
pub(in crate::http) const REQUEST_HEADERS: [HeaderName; 10] = [
    TUS_RESUMABLE,
    UPLOAD_LENGTH,
    UPLOAD_OFFSET,
    UPLOAD_METADATA,
    UPLOAD_CHECKSUM,
    METHOD_OVERRIDE,
    REPR_DIGEST,
    RANGE,
    IF_RANGE,
    IF_NONE_MATCH,
];

/// Headers of responses about files that pages may read, beside those of all responses.
const RESPONSE_HEADERS: [HeaderName; 15] = [
    http::header::LOCATION,
    http::header::ETAG,
    http::header::CONTENT_RANGE,
    http::header::ACCEPT_RANGES,
    http::header::CONTENT_LENGTH,
    TUS_RESUMABLE,
    TUS_VERSIONS,
    TUS_EXTENSION,
    TUS_MAX_SIZE,
    TUS_CHECKSUM_ALGORITHM,
    UPLOAD_OFFSET,
    UPLOAD_LENGTH,
    UPLOAD_EXPIRES,
    UPLOAD_METADATA,
    REPR_DIGEST,
];

/// The layer of [`Options`].
#[derive(Clone, Copy)]
pub(in crate::http) struct OptionsLayer {
    /// The greatest size of a file; `None` where files are switched off.
    pub(in crate::http) max_bytes: Option<u64>,
}

impl<S> tower::Layer<S> for OptionsLayer {
    type Service = Options<S>;

    fn layer(&self, inner: S) -> Options<S> {
        Options { inner, max_bytes: self.max_bytes }
    }
}

/// Adds the headers of tus to responses about files.
#[derive(Clone)]
pub(in crate::http) struct Options<S> {
    inner: S,
    max_bytes: Option<u64>,
}

type Add<B> = Box<dyn FnOnce(http::Response<B>) -> http::Response<B> + Send>;

impl<S, B> Service<RawRequest> for Options<S>
where
    S: Service<RawRequest, Response = http::Response<B>>,
    B: Default + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, MapOk<S::Future, Add<B>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: RawRequest) -> Self::Future {
        let Some(max_bytes) = self.max_bytes.filter(|_| is_media(request.uri().path())) else {
            return Either::Left(self.inner.call(request));
        };
        let is_options = request.method() == Method::OPTIONS;
        let add: Add<B> = Box::new(move |mut response| {
            response.headers_mut().insert(TUS_RESUMABLE, HeaderValue::from_static(TUS_VERSION));
            expose_more(response.headers_mut());
            if is_options { described(response, max_bytes) } else { response }
        });
        Either::Right(self.inner.call(request).map_ok(add))
    }
}

/// Lets a page that may read a response about a file read its headers, too.
fn expose_more(headers: &mut HeaderMap) {
    let Some(exposed) = headers.get(ACCESS_CONTROL_EXPOSE_HEADERS).and_then(|exposed| exposed.to_str().ok()) else {
        return;
    };
    let mut all = exposed.to_owned();
    for name in RESPONSE_HEADERS {
        all.push(',');
        all.push_str(name.as_str());
    }
    if let Ok(all) = HeaderValue::try_from(all) {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, all);
    }
}

fn is_media(path: &str) -> bool {
    path.strip_prefix("/media").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Says what the server can do.
fn described<B: Default>(response: http::Response<B>, max_bytes: u64) -> http::Response<B> {
    let (mut head, _) = response.into_parts();
    head.status = StatusCode::NO_CONTENT;
    head.headers.remove(http::header::CONTENT_LENGTH);
    head.headers.insert(TUS_VERSIONS, HeaderValue::from_static(TUS_VERSION));
    head.headers.insert(TUS_EXTENSION, HeaderValue::from_static(TUS_EXTENSIONS));
    head.headers.insert(TUS_MAX_SIZE, HeaderValue::from(max_bytes));
    let algorithms = ChecksumKind::ALL.map(ChecksumKind::name).join(",");
    if let Ok(algorithms) = HeaderValue::try_from(algorithms) {
        head.headers.insert(TUS_CHECKSUM_ALGORITHM, algorithms);
    }
    http::Response::from_parts(head, B::default())
}
