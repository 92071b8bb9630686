//! Tokens by which programs reach this API.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::operator;
use crate::domain::{NewOperatorToken, OperatorScope, OperatorToken, OperatorTokenId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body, path_parameter};
use crate::http::respond::{Response, json, no_content, secret_json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    scope: String,
    #[serde(default)]
    expires_in_s: Option<i64>,
}

/// A token as operators see it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    token: OperatorToken,
    /// Only in the answer to the request that has made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    state: &'static str,
}

impl Shown {
    fn of(token: OperatorToken, secret: Option<String>, app: &App) -> Self {
        let state = if token.has_ended(app.clock.now()) { "expired" } else { "active" };
        Self { token, secret, state }
    }
}

#[derive(Serialize)]
struct List {
    tokens: Vec<Shown>,
}

/// All tokens, the oldest first.
pub(super) async fn list(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let tokens = app.service.operator_tokens().await?;
    let tokens = tokens.into_iter().map(|token| Shown::of(token, None, &app)).collect();
    Ok(json(StatusCode::OK, &List { tokens }))
}

/// Makes a token. Its secret is shown in this answer alone.
pub(super) async fn create(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let Create { name, scope, expires_in_s } =
        json_body(request, "an object with name, scope and perhaps expires_in_s").await?;
    let scope = OperatorScope::parse(&scope)
        .ok_or_else(|| ApiError::Invalid("scope must be metrics, read or write".to_owned()))?;
    let new = NewOperatorToken::new(name, scope, expires_in_s)?;
    let (token, secret) = app.service.create_operator_token(new, by).await?;
    Ok(secret_json(StatusCode::CREATED, &Shown::of(token, Some(secret.text()), &app)))
}

/// Revokes a token, so that it is refused at once.
pub(super) async fn revoke(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let id = path_parameter(&request, "id").and_then(OperatorTokenId::parse);
    let id = id.ok_or(ApiError::NotFound("there is no such token"))?;
    app.service.revoke_operator_token(id, by).await?;
    Ok(no_content())
}
