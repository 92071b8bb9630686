//! What the server does just now.

use std::sync::Arc;

use http::StatusCode;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};

/// The supervision tree: each kind of actor with its state. It names no user.
pub(in crate::http) async fn actors(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &app.monitor.actors(false)))
}
