//! The web client at `/app/`, where it is switched on.

use std::sync::Arc;

use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body, path_parameter};
use crate::http::respond::{Response, typed};
use crate::http::web;

/// The same refusal as of a path that leads nowhere.
const NOTHING: ApiError = ApiError::NotFound("there is nothing at this path");

#[derive(Deserialize)]
struct DemoRequest {
    code: String,
}

/// Leads to the client, whose addresses are all below `/app/`.
pub(in crate::http) async fn redirect(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    app.web.as_ref().map(|_| web::redirect()).ok_or(NOTHING)
}

/// The start of the client.
pub(in crate::http) async fn index(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    app.web.as_ref().ok_or(NOTHING)?.respond("", request.headers())
}

/// A file of the client.
pub(in crate::http) async fn file(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let client = app.web.as_ref().ok_or(NOTHING)?;
    client.respond(path_parameter(&request, "file").unwrap_or_default(), request.headers())
}

/// What the client needs to become the user of a demo's link, once. Without a demo there is none.
pub(in crate::http) async fn demo(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let DemoRequest { code } = json_body(request, "an object with the text code").await?;
    let document = app.demo_links.take(&code);
    let document = document.ok_or(ApiError::NotFound("this link was used already, or is of another demo"))?;
    let mut response = typed(StatusCode::OK, "application/json", document);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
