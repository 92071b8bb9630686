//! The keys that sign access tokens: rotating and revoking them.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::operator;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, path_parameter};
use crate::http::respond::{Response, json, no_content};

#[derive(Serialize)]
struct Rotated {
    /// The key that signs now.
    current: String,
    /// The key that is next.
    next: String,
}

/// Lets the next key sign.
pub(super) async fn rotate(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (current, next) = app.service.rotate_keys(operator(&request)).await?;
    Ok(json(StatusCode::OK, &Rotated { current, next }))
}

/// Refuses all tokens of a key.
pub(super) async fn revoke(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let kid = path_parameter(&request, "kid").unwrap_or_default().to_owned();
    app.service.revoke_key(kid, operator(&request)).await?;
    Ok(no_content())
}
