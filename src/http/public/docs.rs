//! The description of the interface: the OpenAPI and AsyncAPI documents, and a page that shows the first. Nothing is
//! loaded from other servers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::{Frame, SizeHint};

use crate::http::app::App;
use crate::http::compress::{gunzip, takes_gzip};
use crate::http::error::ApiError;
use crate::http::extract::{Request, path_parameter};
use crate::http::respond::{Body, Response, full, typed};

/// Swagger UI sets styles from its scripts and draws with data: URLs. It is a megabyte of foreign code, so it runs in an
/// origin of its own: nothing that other pages of this address keep in the browser is within its reach.
const CSP: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; \
    sandbox allow-scripts allow-forms allow-popups";

/// Bytes of a file that are handed to the connection at once: with megabytes, the other tasks of its thread would wait.
const PIECE: usize = 64 * 1024;

/// Written by hand; a test parses every example in it with the codec.
pub(super) const ASYNCAPI: &[u8] = include_bytes!("../../../docs/asyncapi.json");

/// Made by a test, from the descriptions of all endpoints, and kept by it as they are.
const OPENAPI: &[u8] = include_bytes!("../../../docs/openapi.json");

/// The OpenAPI document.
pub(in crate::http) async fn openapi(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(document(OPENAPI))
}

/// The AsyncAPI document: the frames of fluent.v1.
pub(in crate::http) async fn asyncapi(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(document(ASYNCAPI))
}

/// A document that any page may read: Swagger UI, in its own origin, is one.
fn document(json: &'static [u8]) -> Response {
    let mut response = typed(StatusCode::OK, "application/json", json);
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The page's own links are relative to `/docs/`.
pub(in crate::http) async fn redirect(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let mut response = full(StatusCode::PERMANENT_REDIRECT, Bytes::new());
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/docs/"));
    Ok(response)
}

/// A file of Swagger UI.
enum Asset {
    /// As it is.
    Plain(&'static str),
    /// As gzip, and plain for who does not take that.
    Gzip(&'static [u8], LazyLock<Option<Bytes>>),
}

/// The page.
static PAGE: Asset = Asset::Plain(include_str!("../pages/swagger/index.html"));

/// What starts the program.
static START: Asset = Asset::Plain(include_str!("../pages/swagger/swagger-initializer.js"));

/// The style.
static STYLE: Asset = {
    const PACKED: &[u8] = include_bytes!("../pages/swagger/swagger-ui.css.gz");
    Asset::Gzip(PACKED, LazyLock::new(|| gunzip(PACKED)))
};

/// The program.
static BUNDLE: Asset = {
    const PACKED: &[u8] = include_bytes!("../pages/swagger/swagger-ui-bundle.js.gz");
    Asset::Gzip(PACKED, LazyLock::new(|| gunzip(PACKED)))
};

/// Swagger UI.
pub(in crate::http) async fn index(_: Arc<App>, request: Request) -> Result<Response, ApiError> {
    asset("index.html", request.headers())
}

/// A part of Swagger UI.
pub(in crate::http) async fn file(_: Arc<App>, request: Request) -> Result<Response, ApiError> {
    asset(path_parameter(&request, "file").unwrap_or_default(), request.headers())
}

fn asset(name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let (kind, file) = match name {
        "index.html" => ("text/html; charset=utf-8", &PAGE),
        "swagger-initializer.js" => ("text/javascript", &START),
        "swagger-ui-bundle.js" => ("text/javascript", &BUNDLE),
        "swagger-ui.css" => ("text/css; charset=utf-8", &STYLE),
        _ => return Err(ApiError::NotFound("there is nothing at this path")),
    };
    let takes_gzip = takes_gzip(headers);
    let bytes = match file {
        Asset::Plain(text) => Bytes::from_static(text.as_bytes()),
        Asset::Gzip(packed, _) if takes_gzip => Bytes::from_static(packed),
        Asset::Gzip(_, plain) => {
            (**plain).clone().ok_or_else(|| ApiError::Internal(format!("{name} cannot be unpacked")))?
        }
    };
    let mut response = Response::new(Body::stream(Pieces(bytes)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    if matches!(file, Asset::Gzip(..)) {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if takes_gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
    }
    Ok(response)
}

/// A file of known size, written piece by piece.
struct Pieces(Bytes);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.len().min(PIECE);
        let piece = self.0.split_to(piece);
        Poll::Ready((!piece.is_empty()).then_some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
