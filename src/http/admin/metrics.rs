//! Figures for Prometheus.

use std::sync::Arc;

use http::StatusCode;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, typed};

/// All metrics in the Prometheus text format 0.0.4.
pub(in crate::http) async fn metrics(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let text = crate::telemetry::metrics().render();
    let text = text.ok_or(ApiError::NotFound("the program around this server has its own metrics recorder"))?;
    Ok(typed(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text))
}
