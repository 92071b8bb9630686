//! Links to files, and deleting them.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::headers::TUS_RESUMABLE;
use super::headers::check_version;
use super::{counted, id, service};
use crate::auth::Access;
use crate::config::MAX_LINK_S;
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Request, json_body};
use crate::http::refusals::NotFound;
use crate::http::respond::{Response, json, no_content};
use crate::telemetry::MediaOp;

#[derive(Default, Deserialize, ToSchema)]
pub(in crate::http) struct LinkRequest {
    /// Seconds until it ends; without it, what the server says.
    #[schema(minimum = 1, maximum = 3600)]
    expires_in_s: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct LinkAnswer {
    /// Relative to this server.
    url: String,
    /// Seconds until it ends.
    expires_in_s: u32,
}

/// Make a link by which the file can be read without signing in.
///
/// It ends with its time, with your right to read the file, and with your last session.
#[utoipa::path(post, path = "/media/{id}/link", operation_id = "link_file", tag = "media", request_body = LinkRequest,
    params(("id" = String, Path, description = "The file's id")), responses(
    (status = 200, description = "The link", body = LinkAnswer),
    NotFound,
))]
pub(in crate::http) async fn link(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    counted(MediaOp::Link, make(&app, access, request).await)
}

async fn make(app: &App, access: Access, request: Request) -> Result<Response, ApiError> {
    let (media, id) = (service(app)?, id(&request)?);
    let has_body = !hyper::body::Body::is_end_stream(request.body());
    let LinkRequest { expires_in_s: seconds } = if has_body {
        json_body(request, "an object with perhaps expires_in_s").await?
    } else {
        LinkRequest::default()
    };
    if seconds.is_some_and(|seconds| !(1..=MAX_LINK_S).contains(&seconds)) {
        return Err(ApiError::Invalid(format!("expires_in_s must be from 1 to {MAX_LINK_S}")));
    }
    let (token, expires_in_s) = media.link(access.user, id, seconds).await?;
    Ok(json(StatusCode::OK, &LinkAnswer { url: format!("/media/{id}?l={token}"), expires_in_s }))
}

/// Delete a file that no message names.
#[utoipa::path(delete, path = "/media/{id}", operation_id = "delete_file", tag = "media",
    params(("id" = String, Path, description = "The file's id")), responses(
    (status = 204, description = "Gone at once; the bytes within a minute"),
    (status = 403, description = "A message names it: delete the message", body = Problem),
    NotFound,
    (status = 412, description = "Another version of tus", body = Problem),
))]
pub(in crate::http) async fn delete(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    counted(MediaOp::Delete, remove(&app, access, &request).await)
}

async fn remove(app: &App, access: Access, request: &Request) -> Result<Response, ApiError> {
    let media = service(app)?;
    // Others than clients of tus do not send it.
    if request.headers().contains_key(TUS_RESUMABLE) {
        check_version(request.headers())?;
    }
    media.delete(access.user, id(request)?).await?;
    Ok(no_content())
}
