//! The database, as operators see it.

use std::sync::Arc;

use http::StatusCode;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};

/// The statements of the last hour that took long on this server, without their values.
pub(super) async fn slow(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &app.monitor.slow_statements()))
}
