//! Files: uploads by tus 1.0.0 (<https://tus.io/protocols/resumable-upload>) or in one request, downloads by ranges,
//! links.

pub(super) mod append;
mod body;
pub(super) mod create;
mod headers;
pub(super) mod links;
mod options;
mod range;
pub(super) mod read;

use std::sync::Arc;

pub(super) use options::{OptionsLayer, REQUEST_HEADERS};

use crate::domain::MediaId;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, path_parameter};
use crate::http::respond::Response;
use crate::service::media::{MediaError, MediaService};
use crate::telemetry::{MediaOp, metrics};

/// Returns the use cases of files. Where they are switched off, no path of them exists.
fn service(app: &App) -> Result<&Arc<MediaService>, ApiError> {
    app.media.as_ref().ok_or_else(|| MediaError::NotFound.into())
}

/// Returns the file that the path names. A text that is no id is that of nothing.
fn id(request: &Request) -> Result<MediaId, ApiError> {
    path_parameter(request, "id").and_then(MediaId::parse).ok_or_else(|| MediaError::NotFound.into())
}

/// Counts a request with how it has ended.
fn counted(op: MediaOp, result: Result<Response, ApiError>) -> Result<Response, ApiError> {
    let status = match &result {
        Ok(response) => response.status(),
        Err(error) => error.status(),
    };
    metrics().media.request(op, status.as_u16());
    result
}
