//! Registration, login and refresh, with exactly the keys that the shipped client's strict decoder knows.

use std::sync::Arc;

use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::auth::TokenPair;
use crate::domain::{
    ClientAddress, EmailAddress, InviteUse, Limiter, NewAccount, Password, PublicKey, RegistrationMode, UserName,
};
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{INVITE_CODE, Request, check_stranger, client_address, json_body, limit_address};
use crate::http::respond::{Response, json, secret_json};
use crate::http::words::one_of;
use crate::limits::LimiterKey;

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct RegisterRequest {
    /// 1–254 characters, kept as given; unique without regard to case, Unicode form and look. Each character must be
    /// shown and each word be written in one script.
    #[schema(example = "alice@example.org")]
    username: String,
    /// Unique as well; nobody else is shown it.
    #[schema(example = "alice@example.org")]
    email: String,
    /// 8–256 characters, none of the 10,000 commonest passwords and not made of the name or the address. Every Unicode
    /// form of it is the same.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    password: SecretString,
    /// Base64 of at most 16 KiB, normally an X.509 `SubjectPublicKeyInfo`. Kept byte for byte.
    public_key: String,
    /// The code of an invite, where one is needed; or the header `X-Invite-Code`. An account whose name or address the
    /// invite is made for needs none.
    #[schema(example = "7QK3-0V9M-XB2T-HJ5C")]
    invite: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RegisterAnswer {
    id: i32,
    /// As given.
    username: String,
    /// As given.
    email: String,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RegistrationAnswer {
    #[schema(schema_with = registration_mode)]
    mode: RegistrationMode,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct LoginRequest {
    #[schema(example = "alice@example.org")]
    username: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SecondFactorLoginRequest)]
pub(in crate::http) struct ChallengeRequest {
    /// From the answer to the login.
    #[schema(value_type = String)]
    challenge: SecretString,
    /// Of the authenticator app, or a recovery code.
    #[schema(example = "123456")]
    code: String,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct RefreshRequest {
    #[schema(value_type = String)]
    refresh_token: SecretString,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TokenAnswer {
    /// JWT for `Authorization: Bearer` and for the socket; short-lived.
    access_token: String,
    /// For the next refresh; each use gives a new one.
    refresh_token: String,
    #[schema(schema_with = token_type)]
    token_type: &'static str,
}

fn registration_mode() -> Object {
    let about = "`open`: everybody may register; `invite`: whoever has an invite; `closed`: nobody.";
    one_of(about, RegistrationMode::ALL.map(RegistrationMode::as_str))
}

fn token_type() -> Object {
    one_of("As OAuth names it.", ["Bearer"])
}

impl From<TokenPair> for TokenAnswer {
    fn from(pair: TokenPair) -> Self {
        Self { access_token: pair.access, refresh_token: pair.refresh, token_type: "Bearer" }
    }
}

/// Who may register.
#[utoipa::path(get, path = "/registration", operation_id = "get_registration", tag = "accounts", responses(
    (status = 200, description = "Who may register", body = RegistrationAnswer),
))]
pub(in crate::http) async fn registration(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let mode = app.service.registration().await?;
    Ok(json(StatusCode::OK, &RegistrationAnswer { mode }))
}

/// Make an account.
#[utoipa::path(post, path = "/auth/register", operation_id = "register_account", tag = "accounts", request_body = RegisterRequest, responses(
    (status = 201, description = "The account is made", body = RegisterAnswer),
    (status = 403, description = "Nobody may register now (`registration_closed`), or the invite is missing or cannot be used (`invite_required`)", body = Problem),
    (status = 400, description = "The name, another that looks like it, or the address is taken (`name_taken`), or the body is not JSON", body = Problem),
    (status = 422, description = "A field is missing (`bad_frame`) or wrong (`invalid_name`, `invalid_email`, `weak_password`, `invalid_key`)", body = Problem),
))]
pub(in crate::http) async fn register(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let mode = app.service.registration_for_newcomers().await?;
    let expected = "an object with the texts username, email, password and public_key";
    let in_header = request.headers().get(INVITE_CODE).and_then(|code| code.to_str().ok()).map(str::to_owned);
    let address = client_address(&request);
    let body: RegisterRequest = json_body(request, expected).await?;
    let code = body.invite.or(in_header);
    let account = NewAccount {
        name: UserName::parse(body.username)?,
        email: EmailAddress::parse(body.email)?,
        password: Password::parse(&body.password)?,
        public_key: PublicKey::parse(body.public_key, app.config.auth.strict_public_keys)?,
    };
    let invite_use = app.service.find_invite(mode, &account, code.as_deref()).await?;
    limit_registration(&app, address, invite_use, code.is_some())?;
    let (username, email) = (account.name.as_str().to_owned(), account.email.as_str().to_owned());
    let id = app.service.register(account, invite_use, address).await?.0;
    Ok(secret_json(StatusCode::CREATED, &RegisterAnswer { id, username, email }))
}

/// Counts a registration. Whoever has an invite that can be used is not counted for the address: several people may come
/// from one; a wrong code is counted apart.
fn limit_registration(
    app: &App,
    address: Option<ClientAddress>,
    invite_use: InviteUse,
    has_code: bool,
) -> Result<(), ApiError> {
    if invite_use.invite.is_none() {
        if has_code {
            limit_address(app, address, Limiter::InviteAddress)?;
        }
        limit_address(app, address, Limiter::RegisterAddress)?;
    }
    Ok(app.limiters.take(Limiter::RegisterServer, LimiterKey::Server)?)
}

/// Begin a login session. Of more than 100 the one that was not used for longest ends.
#[utoipa::path(post, path = "/auth/login", operation_id = "log_in", tag = "accounts", request_body = LoginRequest, responses(
    (status = 200, description = "The tokens", body = TokenAnswer),
    (status = 401, description = "Unknown user or wrong password (`unauthorized`), or a code is needed (`second_factor_required`)", body = Problem),
))]
pub(in crate::http) async fn login(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let expected = "an object with the texts username and password";
    let address = client_address(&request);
    let body: LoginRequest = json_body(request, expected).await?;
    let pair = app.service.log_in(body.username, body.password, address).await?;
    Ok(secret_json(StatusCode::OK, &TokenAnswer::from(pair)))
}

/// Begin a login session that waits for a code of the second factor. Five wrong codes end the wait.
#[utoipa::path(post, path = "/auth/login/second_factor", operation_id = "log_in_with_code", tag = "accounts", request_body = ChallengeRequest, responses(
    (status = 200, description = "The tokens", body = TokenAnswer),
    (status = 401, description = "The challenge or the code is wrong, used up or too old", body = Problem),
))]
pub(in crate::http) async fn second_factor(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let body: ChallengeRequest = json_body(request, "an object with the texts challenge and code").await?;
    let pair = app.service.answer_challenge(body.challenge, body.code, address).await?;
    Ok(secret_json(StatusCode::OK, &TokenAnswer::from(pair)))
}

/// Get new tokens for a refresh token.
///
/// A spent token gets the same successor again for 30 s, and later as long as that successor was not used; after that its
/// return ends the login session.
#[utoipa::path(post, path = "/auth/refresh", operation_id = "refresh_tokens", tag = "accounts", request_body = RefreshRequest, responses(
    (status = 200, description = "The tokens", body = TokenAnswer),
    (status = 401, description = "Unknown, expired or revoked", body = Problem),
))]
pub(in crate::http) async fn refresh(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let expected = "an object with the text refresh_token";
    let (address, stranger) = (client_address(&request), check_stranger(&app, &request));
    // Thousands of phones behind one address refresh at once after a restart, and a refusal would sign them out. So
    // only where many tokens are invalid the address is limited before anything is looked up.
    if address.is_some_and(|address| app.limiters.is_half_used(Limiter::RefreshInvalid, address.class())) {
        limit_address(&app, address, Limiter::RestAddress)?;
    }
    let body: RefreshRequest = json_body(request, expected).await?;
    let refreshed = app.service.refresh(body.refresh_token, address).await;
    let pair = refreshed.map_err(|error| match (error.into(), stranger) {
        (ApiError::Unauthorized(_), Err(banned)) => banned,
        (error, _) => error,
    })?;
    Ok(secret_json(StatusCode::OK, &TokenAnswer::from(pair)))
}
