//! Files of users against what is on the disk.

use std::sync::Arc;

use http::StatusCode;
use serde::Deserialize;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body};
use crate::http::respond::{Response, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    dry_run: bool,
}

/// Compares files and rows, and puts right what can be, unless only that is asked.
pub(super) async fn reconcile(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let Wanted { dry_run } = json_body(request, "an object with perhaps dry_run").await?;
    let media = app.media.clone().ok_or(ApiError::NotFound("this server takes no files: media.enabled is off"))?;
    Ok(json(StatusCode::OK, &media.reconcile(dry_run).await?))
}
