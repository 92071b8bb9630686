//! The public keys of access tokens, for services that check them.

use std::sync::Arc;

use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::PublishedKey;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct KeySet {
    /// The key that signs, the one that will be next, and those whose tokens have not expired yet. Empty with HS256.
    keys: Vec<PublishedKey>,
}

/// The public keys of access tokens: a JWK Set (RFC 7517 §5).
#[utoipa::path(get, path = "/.well-known/jwks.json", operation_id = "get_token_keys", tag = "accounts", responses(
    (status = 200, description = "May be kept for 300 s", body = KeySet),
))]
pub(in crate::http) async fn jwks(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let mut response = json(StatusCode::OK, &KeySet { keys: app.auth.access().published() });
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}
