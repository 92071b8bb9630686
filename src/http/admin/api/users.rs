//! Accounts: finding them, disabling and deleting one, and replacing what its owner signs in with.

use std::sync::Arc;

use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::{MAX_PAGE, PAGE, asks_to_reveal, operator};
use crate::domain::{AccountState, TargetState, Timestamp, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body, limit, number, path_id, query};
use crate::http::respond::{Response, json, no_content, secret_json};

#[derive(Deserialize)]
struct Wanted {
    name: Option<String>,
    query: Option<String>,
    before: Option<String>,
    after: Option<String>,
    limit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    disabled: bool,
}

/// An account as operators see it.
#[derive(Serialize)]
struct Shown {
    id: UserId,
    name: String,
    created_at: Timestamp,
    last_seen_at: Option<Timestamp>,
    state: &'static str,
    disabled_at: Option<Timestamp>,
    second_factor: bool,
}

impl From<AccountState> for Shown {
    fn from(state: AccountState) -> Self {
        let AccountState { id, name, created_at, last_seen_at, disabled_at, second_factor } = state;
        let state = if disabled_at.is_some() { "disabled" } else { "active" };
        Self { id, name, created_at, last_seen_at, state, disabled_at, second_factor }
    }
}

#[derive(Serialize)]
struct List {
    users: Vec<Shown>,
}

/// An account with what belongs to it.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    account: Shown,
    sessions: usize,
    /// Those that are open at this server.
    sockets: usize,
    media_bytes: u64,
    push_targets: Vec<Target>,
    /// Where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// A device that is woken.
#[derive(Serialize)]
struct Target {
    device_id: String,
    provider: &'static str,
    state: &'static str,
    reason: Option<String>,
    created_at: Timestamp,
    last_wake_at: Option<Timestamp>,
    last_wake_outcome: Option<&'static str>,
    last_seen_at: Option<Timestamp>,
}

impl From<TargetState> for Target {
    fn from(target: TargetState) -> Self {
        Self {
            device_id: target.device.as_str().to_owned(),
            provider: target.provider.as_str(),
            state: if target.outbox.is_suspended { "suspended" } else { "active" },
            reason: target.reason,
            created_at: target.created_at,
            last_wake_at: target.last.map(|(at, _)| at),
            last_wake_outcome: target.last.map(|(_, outcome)| outcome.as_str()),
            last_seen_at: target.seen_at,
        }
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

/// Accounts: the newest first before `before`; those whose names contain `query`, by id after `after`; or the one that
/// signs in with `name`.
pub(super) async fn list(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let wanted: Wanted = query(&request)?;
    let limit = limit(wanted.limit.as_deref(), PAGE, MAX_PAGE)?;
    let id = |name, text: Option<&str>| Ok::<_, ApiError>(number(name, text)?.map(UserId));
    let (before, after) = (id("before", wanted.before.as_deref())?, id("after", wanted.after.as_deref())?);
    let found = match (wanted.name, wanted.query.filter(|text| !text.trim().is_empty())) {
        (Some(name), None) => app.service.account_named(&name).await?.into_iter().collect(),
        (None, Some(_)) if before.is_some() => {
            return Err(ApiError::Invalid("with query, pages go on with after".to_owned()));
        }
        (None, Some(text)) => app.service.find_accounts(&text, after, limit).await?,
        (None, None) if after.is_some() => {
            return Err(ApiError::Invalid("without query, pages go on with before".to_owned()));
        }
        (None, None) => app.service.newest_accounts(before, limit).await?,
        (Some(_), Some(_)) => return Err(ApiError::Invalid("name and query exclude each other".to_owned())),
    };
    Ok(json(StatusCode::OK, &List { users: found.into_iter().map(Shown::from).collect() }))
}

/// One account with what belongs to it; with `reveal=true` also its e-mail address, which is recorded.
pub(super) async fn show(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let user: UserId = path_id(&request)?;
    let detail = app.service.account_detail(user).await?;
    let email = if asks_to_reveal(request.uri().query()) {
        Some(app.service.reveal_email(user, operator(&request)).await?)
    } else {
        None
    };
    let detail = Detail {
        account: detail.state.into(),
        sessions: detail.sessions,
        sockets: app.sockets.figures().iter().filter(|socket| socket.user == user).count(),
        media_bytes: detail.media_bytes,
        push_targets: detail.push_targets.into_iter().map(Target::from).collect(),
        email,
    };
    Ok(secret_json(StatusCode::OK, &detail))
}

/// Disables or enables an account.
pub(super) async fn change(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (by, user) = (operator(&request), path_id(&request)?);
    let Change { disabled } = json_body(request, "an object with disabled, true or false").await?;
    let state = app.service.set_disabled(user, disabled, by).await?;
    Ok(json(StatusCode::OK, &Shown::from(state)))
}

/// Deletes an account with all its conversations and files, as its owner would.
pub(super) async fn delete(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    app.service.delete_account_of(path_id(&request)?, operator(&request)).await?;
    Ok(no_content())
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
