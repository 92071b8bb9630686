//! The pages for people who open the address in a browser. Those of documents are made by `web/pages.mjs`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use http::{HeaderValue, StatusCode};

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, typed};
use crate::version::VERSION;

/// There are no scripts; styles are within the page or of this server, and so are images.
const CSP: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
/// As for the files of Swagger UI: another version of the program has others.
const CACHING: &str = "public, max-age=3600";

/// The start page for clients. It offers the web client first, where there is one.
pub(in crate::http) async fn index(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let to_chat = if app.web.is_some() { include_str!("pages/web_client.html") } else { "" };
    Ok(page(StatusCode::OK, &include_str!("pages/index.html").replace("{web_client}", to_chat)))
}

/// The start page for operators.
pub(in crate::http) fn admin_index() -> Response {
    page(StatusCode::OK, include_str!("pages/admin.html"))
}

/// The protocol, `docs/protocol.md`.
pub(in crate::http) async fn protocol(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(document(include_str!("pages/protocol.html")))
}

/// What the server protects against what, `docs/security.md`.
pub(in crate::http) async fn security(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(document(include_str!("pages/security.html")))
}

/// The frames of fluent.v1, `docs/asyncapi.json`.
pub(in crate::http) async fn frames(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(document(include_str!("pages/frames.html")))
}

/// The style of the pages of documents.
pub(in crate::http) async fn style(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(kept(typed(StatusCode::OK, "text/css; charset=utf-8", include_str!("pages/page.css"))))
}

/// The icon of all pages.
pub(in crate::http) async fn icon(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(kept(typed(StatusCode::OK, "image/svg+xml", include_str!("pages/icon.svg"))))
}

/// The response for a browser that asks for what is not there.
pub(super) fn not_found() -> Response {
    page(StatusCode::NOT_FOUND, include_str!("pages/not_found.html"))
}

fn page(status: StatusCode, html: &str) -> Response {
    html_response(status, html.replace("{version}", VERSION))
}

fn document(html: &'static str) -> Response {
    kept(html_response(StatusCode::OK, html))
}

fn html_response(status: StatusCode, html: impl Into<Bytes>) -> Response {
    let mut response = typed(status, "text/html; charset=utf-8", html);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    response
}

fn kept(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(CACHING));
    response
}
