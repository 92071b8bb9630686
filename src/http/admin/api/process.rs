//! The process itself: stopping it, what it reads anew, and its settings.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::operator;
use crate::config::Setting;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body};
use crate::http::respond::{Response, json};

/// Longest time of a drain that can be asked for, in seconds: an hour.
const MAX_WINDOW_S: u64 = 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    window_s: Option<u64>,
}

#[derive(Serialize)]
struct Draining {
    window_s: u64,
}

#[derive(Serialize)]
struct Settings {
    settings: Vec<Setting>,
}

/// Stops the server in order, within the configured time or another one; the process ends.
pub(super) async fn drain(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let Wanted { window_s } = json_body(request, "an object with perhaps window_s, a number").await?;
    if window_s.is_some_and(|asked| asked > MAX_WINDOW_S) {
        return Err(ApiError::Invalid(format!("window_s must be 0 to {MAX_WINDOW_S}")));
    }
    let window = window_s.map_or(app.config.server.drain_window(), Duration::from_secs);
    let again = || ApiError::Conflict("the server is stopping already");
    if app.health.is_draining() {
        return Err(again());
    }
    app.service.note_action("drain", json!({"window_s": window.as_secs()}), by).await?;
    if !app.health.gate().ask_for_window(window) {
        return Err(again());
    }
    tracing::info!(?by, window_s = window.as_secs(), "an operator stops the server");
    app.control.ask_to_stop();
    Ok(json(StatusCode::ACCEPTED, &Draining { window_s: window.as_secs() }))
}

/// Reads the files anew that may change, and says what has changed and what needs a restart.
pub(super) async fn reload(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    app.service.note_action("reload", json!({}), operator(&request)).await?;
    let reloaded = app.control.reload().await.ok_or(ApiError::Conflict("no server runs"))?;
    Ok(json(StatusCode::OK, &reloaded))
}

/// All settings that hold, with secrets hidden, and where each was read.
pub(super) async fn settings(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let settings = app.config.settings().map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(json(StatusCode::OK, &Settings { settings }))
}
