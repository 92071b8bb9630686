//! Files of users against what is on the disk.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::operator;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body};
use crate::http::respond::{Response, json};
use crate::service::media::MediaStatus;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Status {
    enabled: bool,
    #[serde(flatten)]
    files: Option<MediaStatus>,
}

/// How many files there are, and what the last comparison has found.
pub(super) async fn status(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let files = match &app.media {
        Some(media) => Some(media.status().await?),
        None => None,
    };
    Ok(json(StatusCode::OK, &Status { enabled: files.is_some(), files }))
}

/// Compares files and rows, and puts right what can be, unless only that is asked.
pub(super) async fn reconcile(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let Wanted { dry_run } = json_body(request, "an object with perhaps dry_run").await?;
    let media = app.media.clone().ok_or(ApiError::NotFound("this server takes no files: media.enabled is off"))?;
    let found = media.reconcile(dry_run).await?;
    app.service.note_action("reconcile_media", serde_json::json!({"dry_run": dry_run}), by).await?;
    Ok(json(StatusCode::OK, &found))
}
