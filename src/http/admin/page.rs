//! The page for operators at `/admin/`.

use std::sync::Arc;

use http::StatusCode;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, path_parameter};
use crate::http::pages;
use crate::http::respond::Response;
use crate::http::web::{OPERATORS_ROOT, has_operators_page, lead_to, operators_page};

/// Leads to the page; where this program was built without it, what else is here.
pub(super) async fn start(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    // Another program at this address may have no page.
    let leads = has_operators_page().then(|| lead_to(StatusCode::TEMPORARY_REDIRECT, OPERATORS_ROOT));
    Ok(leads.unwrap_or_else(pages::admin_index))
}

/// Leads to the page, whose addresses are all below `/admin/`.
pub(super) async fn redirect(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(lead_to(StatusCode::PERMANENT_REDIRECT, OPERATORS_ROOT))
}

/// The start of the page.
pub(super) async fn index(_: Arc<App>, request: Request) -> Result<Response, ApiError> {
    operators_page("", request.headers())
}

/// A file of the page.
pub(super) async fn file(_: Arc<App>, request: Request) -> Result<Response, ApiError> {
    operators_page(path_parameter(&request, "file").unwrap_or_default(), request.headers())
}
