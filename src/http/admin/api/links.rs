//! Links that sign an operator in at the page, once and within a minute.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::operator;
use crate::domain::OperatorScope;
use crate::http::app::{App, LINK_LIFETIME, PageLink};
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body};
use crate::http::respond::{Response, secret_json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    scope: String,
}

#[derive(Serialize)]
struct Link {
    /// The path of the page with the code behind its `#`, which browsers send to nobody.
    path: String,
    for_s: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    code: String,
}

#[derive(Serialize)]
struct SignedIn {
    token: String,
}

/// Makes a link. It is shown in this answer alone.
pub(super) async fn create(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let Create { scope } = json_body(request, "an object with scope").await?;
    let scope = OperatorScope::parse(&scope).filter(|scope| *scope != OperatorScope::Metrics);
    let scope = scope.ok_or_else(|| ApiError::Invalid("scope must be read or write".to_owned()))?;
    app.service.note_action("open_page", json!({"scope": scope}), by).await?;
    let code = app.page_links.add(PageLink { scope, by }).map_err(|error| ApiError::Internal(error.to_string()))?;
    let link = Link { path: format!("/admin/#sign-in={code}"), for_s: LINK_LIFETIME.as_secs() };
    Ok(secret_json(StatusCode::CREATED, &link))
}

/// Gives the token of a link to whoever has its code, once.
pub(in crate::http::admin) async fn sign_in(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let SignIn { code } = json_body(request, "an object with the text code").await?;
    let link = app.page_links.take(&code).ok_or(ApiError::NotFound("this link was used already, or is too old"))?;
    let token = app.service.page_token(link.scope, link.by).await?.text();
    Ok(secret_json(StatusCode::OK, &SignedIn { token }))
}
