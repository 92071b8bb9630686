//! The account of the user who asks: its data, its key, its settings, its blocks, and its end.

use std::sync::Arc;

use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::users::KeyedUserBody;
use crate::auth::Access;
use crate::domain::{Limiter, PublicKey, Settings, UserId};
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Request, client_address, json_body, number, path_id, query};
use crate::http::refusals::NotFound;
use crate::http::respond::{Response, json, json_list, no_content};
use crate::service::ServiceError;

#[derive(Serialize, ToSchema)]
#[schema(as = Profile)]
pub(in crate::http) struct ProfileBody<'a> {
    #[serde(flatten)]
    user: KeyedUserBody<'a>,
    /// Shown to nobody else.
    email: &'a str,
    settings: SettingsBody,
}

/// Both are mutual: who does not show does not see.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
pub(in crate::http) struct SettingsBody {
    /// Show partners when you are online.
    presence: bool,
    /// Show partners what you have read.
    read_receipts: bool,
}

impl From<Settings> for SettingsBody {
    fn from(settings: Settings) -> Self {
        Self { presence: settings.presence, read_receipts: settings.read_receipts }
    }
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SettingsRequest {
    presence: Option<bool>,
    read_receipts: Option<bool>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct BlockedQuery {
    /// The last `id` of the page before.
    #[param(value_type = Option<i32>)]
    after: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct KeyRequest {
    /// Base64, at most 16 KiB.
    public_key: String,
    /// Needed unless this login session began within the last 10 minutes.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<SecretString>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct KeyAnswer {
    /// The first 16 hex digits of the SHA-256 of the public key's text as it is stored.
    #[schema(example = "ba7816bf8f01cfea")]
    key_id: String,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct DeleteRequest {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// Needed where the second factor is on: of the authenticator app, or a recovery code.
    code: Option<String>,
}

/// Your account.
#[utoipa::path(get, path = "/users/me", operation_id = "get_profile", tag = "account", responses(
    (status = 200, description = "Your account", body = ProfileBody),
))]
pub(in crate::http) async fn profile(app: Arc<App>, access: Access, _: Request) -> Result<Response, ApiError> {
    app.dialects.check(access).await?;
    let profile = app.storage.profile(access.user).await?.ok_or(NO_ACCOUNT)?;
    let (user, settings) = (KeyedUserBody::from(&profile.user), profile.settings.into());
    Ok(json(StatusCode::OK, &ProfileBody { user, email: &profile.email, settings }))
}

/// Change settings; those that are left out stay.
#[utoipa::path(put, path = "/users/me/settings", operation_id = "change_settings", tag = "account", request_body = SettingsRequest,
    responses(
    (status = 200, description = "All settings as they are now", body = SettingsBody),
))]
pub(in crate::http) async fn settings(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let expected = "an object with presence and read_receipts, each true or false, both optional";
    let SettingsRequest { presence, read_receipts } = json_body(request, expected).await?;
    app.limiters.take(Limiter::SettingsUser, access.user)?;
    app.dialects.check(access).await?;
    let settings = app.service.configure(access.user, presence, read_receipts).await?;
    Ok(json(StatusCode::OK, &SettingsBody::from(settings)))
}

/// Replace your public key; everybody you share a conversation with is told.
///
/// Unless this login session began with a password within the last 10 minutes, the password is needed. The same key in another spelling
/// of its base64 changes nothing.
#[utoipa::path(put, path = "/users/me/public_key", operation_id = "set_public_key", tag = "account", request_body = KeyRequest,
    responses(
    (status = 200, description = "The name of the key that holds now", body = KeyAnswer),
    (status = 403, description = "The password is needed, or wrong", body = Problem),
))]
pub(in crate::http) async fn set_key(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let expected = "an object with the text public_key and, where it is needed, the text password";
    let KeyRequest { public_key, password } = json_body(request, expected).await?;
    let key = PublicKey::parse(public_key, app.config.auth.strict_public_keys)?;
    app.dialects.check(access).await?;
    let key_id = app.service.set_key(access, key, password, address).await?;
    Ok(json(StatusCode::OK, &KeyAnswer { key_id }))
}

/// Delete your account with all its conversations. Partners are told, and may keep what their devices hold.
#[utoipa::path(delete, path = "/users/me", operation_id = "delete_account", tag = "account", request_body = DeleteRequest, responses(
    (status = 204, description = "Gone"),
    (status = 403, description = "The password or the code is wrong, or a code is needed (`second_factor_required`)", body = Problem),
))]
pub(in crate::http) async fn delete(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let body: DeleteRequest = json_body(request, "an object with the text password").await?;
    app.dialects.check(access).await?;
    app.service.delete_account(access.user, body.password, body.code, address).await?;
    Ok(no_content())
}

/// Block a user: neither of you may write to the other.
#[utoipa::path(put, path = "/users/{id}/block", operation_id = "block_user", tag = "users",
    params(("id" = i32, Path, description = "The user's id")), responses(
    (status = 204, description = "Blocked"),
    NotFound,
    (status = 422, description = "That is you", body = Problem),
))]
pub(in crate::http) async fn block(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    set_block(&app, access, &request, true).await
}

/// Unblock a user.
#[utoipa::path(delete, path = "/users/{id}/block", operation_id = "unblock_user", tag = "users",
    params(("id" = i32, Path, description = "The user's id")), responses(
    (status = 204, description = "No longer blocked"),
    NotFound,
    (status = 422, description = "That is you", body = Problem),
))]
pub(in crate::http) async fn unblock(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    set_block(&app, access, &request, false).await
}

/// Whom you have blocked, at most 1000.
#[utoipa::path(get, path = "/users/blocked", operation_id = "list_blocked_users", tag = "users", params(BlockedQuery), responses(
    (status = 200, description = "By id", body = Vec<KeyedUserBody>),
))]
pub(in crate::http) async fn blocked(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let query: BlockedQuery = query(&request)?;
    let after = number("after", query.after.as_deref())?.map(UserId);
    app.dialects.check(access).await?;
    let users = app.storage.blocked_by(access.user, after).await?;
    Ok(json_list(StatusCode::OK, &users.iter().map(KeyedUserBody::from).collect::<Vec<_>>()).await)
}

async fn set_block(app: &App, access: Access, request: &Request, blocked: bool) -> Result<Response, ApiError> {
    let other: UserId = path_id(request)?;
    // Before the login is looked up.
    if other == access.user {
        return Err(ServiceError::SelfBlock.into());
    }
    app.limiters.take(Limiter::BlockUser, access.user)?;
    app.dialects.check(access).await?;
    app.service.set_block(access.user, other, blocked).await?;
    Ok(no_content())
}

const NO_ACCOUNT: ApiError = ApiError::Unauthorized("the account is gone");
