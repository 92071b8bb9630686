//! The pages for people who open the address in a browser.

use std::sync::Arc;

use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, typed};

/// Styles are within the page, and nothing is loaded.
const CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// The start page for clients.
pub(in crate::http) async fn index(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(page(include_str!("pages/index.html")))
}

/// The start page for operators.
pub(in crate::http) async fn admin_index(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(page(include_str!("pages/admin.html")))
}

fn page(html: &'static str) -> Response {
    let html = html.replace("{version}", env!("CARGO_PKG_VERSION"));
    let mut response = typed(StatusCode::OK, "text/html; charset=utf-8", html);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    response
}
