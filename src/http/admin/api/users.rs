//! Accounts: finding one, disabling it, and replacing what its owner signs in with.

use std::sync::Arc;

use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::operator;
use crate::domain::{AccountState, Timestamp, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body, path_id, query};
use crate::http::respond::{Response, json, secret_json};

#[derive(Deserialize)]
struct Find {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disabled {
    disabled: bool,
}

/// An account as operators see it.
#[derive(Serialize)]
struct Shown {
    id: UserId,
    user_name: String,
    disabled_at: Option<Timestamp>,
    second_factor: bool,
}

impl From<AccountState> for Shown {
    fn from(state: AccountState) -> Self {
        let AccountState { id, name, disabled_at, second_factor } = state;
        Self { id, user_name: name, disabled_at, second_factor }
    }
}

#[derive(Serialize)]
struct NewPassword<'a> {
    id: UserId,
    /// Shown this once.
    password: &'a str,
}

#[derive(Serialize)]
struct Reset {
    id: UserId,
    /// Whether the second factor was on.
    was_on: bool,
}

/// The account that signs in with this name.
pub(super) async fn find(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let Find { name } = query(&request)?;
    let name = name.ok_or_else(|| ApiError::Invalid("name is missing".to_owned()))?;
    let state = app.service.account_named(&name).await?;
    Ok(json(StatusCode::OK, &Shown::from(state)))
}

/// Disables or enables an account.
pub(super) async fn set_disabled(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (by, user) = (operator(&request), path_id(&request)?);
    let Disabled { disabled } = json_body(request, "an object with disabled, true or false").await?;
    let state = app.service.set_disabled(user, disabled, by).await?;
    Ok(json(StatusCode::OK, &Shown::from(state)))
}

/// Gives an account a random password.
pub(super) async fn reset_password(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (by, id) = (operator(&request), path_id(&request)?);
    let password = app.service.reset_password(id, by).await?;
    Ok(secret_json(StatusCode::OK, &NewPassword { id, password: password.expose_secret() }))
}

/// Switches the second factor of an account off.
pub(super) async fn reset_second_factor(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (by, id) = (operator(&request), path_id(&request)?);
    let was_on = app.service.reset_second_factor(id, by).await?;
    Ok(json(StatusCode::OK, &Reset { id, was_on }))
}
