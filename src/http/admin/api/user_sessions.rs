//! The logins of an account: listing and ending them. REST calls them sessions.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::operator;
use crate::domain::{LoginId, Timestamp, UserId, WhichLogins};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, path_id, path_parameter};
use crate::http::respond::{Response, json, no_content};
use crate::storage::OpenLogin;

/// Logins of an account; none has more.
const MAX_SESSIONS: u64 = 100;

/// A login as operators see it.
#[derive(Serialize)]
struct Shown {
    id: i64,
    created_at: Timestamp,
    last_used_at: Timestamp,
    network: Option<String>,
    second_factor: bool,
    device_ids: Vec<String>,
}

impl From<OpenLogin> for Shown {
    fn from(login: OpenLogin) -> Self {
        Self {
            id: login.id.0,
            created_at: login.created_at,
            last_used_at: login.last_used_at,
            network: login.network,
            second_factor: login.second_factor,
            device_ids: login.device_ids,
        }
    }
}

#[derive(Serialize)]
struct List {
    sessions: Vec<Shown>,
}

#[derive(Serialize)]
struct Ended {
    ended: usize,
}

/// The logins of an account that have neither ended nor expired, oldest first.
pub(super) async fn list(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let user: UserId = path_id(&request)?;
    app.service.account_state(user).await?;
    let logins = app.auth.open_logins(user, None, MAX_SESSIONS).await?;
    Ok(json(StatusCode::OK, &List { sessions: logins.into_iter().map(Shown::from).collect() }))
}

/// Ends all logins of an account.
pub(super) async fn end_all(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let ended = app.service.end_logins_of(path_id(&request)?, WhichLogins::All, operator(&request)).await?;
    Ok(json(StatusCode::OK, &Ended { ended }))
}

/// Ends one login of an account.
pub(super) async fn end(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let login = path_parameter(&request, "sid").and_then(|text| text.parse().ok()).map(LoginId);
    let login = login.ok_or(ApiError::NotFound("there is no such session"))?;
    app.service.end_logins_of(path_id(&request)?, WhichLogins::Only(login), operator(&request)).await?;
    Ok(no_content())
}
