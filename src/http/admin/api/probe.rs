//! A code with which `doctor` tries the way of clients to this server, for a few minutes.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::operator;
use crate::http::app::{App, PROBE_LIFETIME};
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};

#[derive(Serialize)]
struct Probe {
    code: String,
    for_s: u64,
}

/// Makes a code.
pub(super) async fn begin(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    app.service.note_action("probe", json!({}), operator(&request)).await?;
    let code = app.probes.add(()).map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(json(StatusCode::CREATED, &Probe { code, for_s: PROBE_LIFETIME.as_secs() }))
}
