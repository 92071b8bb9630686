//! The logins of the user who asks: listing and ending them, the password, and tickets for the socket.

use std::sync::Arc;

use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::accounts::TokenAnswer;
use crate::auth::{Access, TICKET_LIFETIME_S};
use crate::domain::{Limiter, LoginId, Password};
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Request, client_address, json_body, limit, limit_schema, number, path_id, query};
use crate::http::respond::{Response, json, no_content, secret_json};

#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(in crate::http) struct SessionBody {
    id: i64,
    /// Whether it is the one that asks.
    current: bool,
    /// When the password was given.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its tokens were last refreshed.
    #[schema(format = DateTime)]
    last_used_at: String,
    /// The network that it was used from last: an IPv4 /24 or an IPv6 /48.
    #[schema(example = "203.0.113.0/24")]
    network: Option<String>,
    /// Whether it began with a code beside the password.
    second_factor: bool,
    /// Devices that have opened a fluent.v1 socket in it.
    device_ids: Vec<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct SessionsQuery {
    #[param(schema_with = limit_schema::<100>, required = false)]
    limit: Option<String>,
    /// Only those after this session: the last id of the page before.
    #[param(value_type = Option<i64>)]
    after: Option<String>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct PasswordRequest {
    #[schema(value_type = String, format = Password)]
    old_password: SecretString,
    /// 8–256 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    new_password: SecretString,
    /// Needed where the second factor is on: of the authenticator app, or a recovery code.
    code: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct TicketAnswer {
    /// For `?ticket=`; opens one socket.
    ticket: String,
    /// Seconds.
    #[schema(example = 30)]
    expires_in: i64,
}

/// End this login session and close its sockets.
#[utoipa::path(post, path = "/auth/logout", operation_id = "log_out", tag = "sessions", responses(
    (status = 204, description = "Its tokens are refused from now on"),
))]
pub(in crate::http) async fn logout(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    app.service.log_out(access, address).await?;
    Ok(no_content())
}

/// End all login sessions of the user, this one included, and close their sockets.
#[utoipa::path(post, path = "/auth/logout_all", operation_id = "log_out_everywhere", tag = "sessions", responses(
    (status = 204, description = "All tokens are refused from now on"),
))]
pub(in crate::http) async fn logout_all(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    app.service.log_out_everywhere(access, address).await?;
    Ok(no_content())
}

/// The user's login sessions.
#[utoipa::path(get, path = "/auth/sessions", operation_id = "list_sessions", tag = "sessions", params(SessionsQuery), responses(
    (status = 200, description = "Oldest first", body = Vec<SessionBody>),
))]
pub(in crate::http) async fn list(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let query: SessionsQuery = query(&request)?;
    let limit = limit(query.limit.as_deref(), MAX_SESSIONS, MAX_SESSIONS)?;
    let after = number("after", query.after.as_deref())?.map(LoginId);
    app.dialects.check(access).await?;
    let open_logins = app.auth.open_logins(access.user, after, limit).await?;
    let bodies = open_logins.into_iter().map(|login| SessionBody {
        id: login.id.0,
        current: login.id == access.login,
        created_at: login.created_at.to_string(),
        last_used_at: login.last_used_at.to_string(),
        network: login.network,
        second_factor: login.second_factor,
        device_ids: login.device_ids,
    });
    Ok(json(StatusCode::OK, &bodies.collect::<Vec<_>>()))
}

/// End one login session of the user and close its sockets.
#[utoipa::path(delete, path = "/auth/sessions/{id}", operation_id = "end_session", tag = "sessions",
    params(("id" = i64, Path, description = "The session's id")), responses(
    (status = 204, description = "Its tokens are refused from now on"),
    (status = 404, description = "No such session, or another user's", body = Problem),
))]
pub(in crate::http) async fn end(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    app.service.end_login(access, path_id(&request)?, client_address(&request)).await?;
    Ok(no_content())
}

/// Change the password; ends all login sessions, this one too, and begins a new one.
#[utoipa::path(put, path = "/auth/password", tag = "sessions", request_body = PasswordRequest,
    responses(
    (status = 200, description = "Changed: the tokens of the new session", body = TokenAnswer),
    (status = 403, description = "The old password or the code is wrong, or a code is needed (`second_factor_required`)", body = Problem),
    (status = 422, description = "A field is missing, or the new password is too weak (`weak_password`)", body = Problem),
))]
pub(in crate::http) async fn change_password(
    app: Arc<App>,
    access: Access,
    request: Request,
) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let expected = "an object with the texts old_password and new_password";
    let body: PasswordRequest = json_body(request, expected).await?;
    let new = Password::parse(&body.new_password)?;
    app.dialects.check(access).await?;
    let pair = app.service.change_password(access.user, (body.old_password, body.code), new, address).await?;
    Ok(secret_json(StatusCode::OK, &TokenAnswer::from(pair)))
}

/// A ticket that opens one socket, for clients that can set no header: it may stand in a URL, since it works once and not for
/// long.
#[utoipa::path(post, path = "/auth/ws_ticket", operation_id = "create_socket_ticket", tag = "sessions", responses(
    (status = 200, description = "A ticket", body = TicketAnswer),
))]
pub(in crate::http) async fn ws_ticket(app: Arc<App>, access: Access, _: Request) -> Result<Response, ApiError> {
    app.limiters.take(Limiter::TicketUser, access.user)?;
    // What the handshake would refuse is refused here, where a script in a browser can see it.
    if app.health.is_draining() {
        return Err(ApiError::Unavailable);
    }
    app.limiters.take(Limiter::HandshakeUser, access.user)?;
    // The handshake itself counts.
    app.limiters.give_back(Limiter::HandshakeUser, access.user);
    // The queue of those that open sockets is too long, or this user has too many in it.
    drop(app.sockets.admission.admit(access.user).await?);
    let ticket = app.auth.issue_ticket(access).await?;
    Ok(secret_json(StatusCode::OK, &TicketAnswer { ticket, expires_in: TICKET_LIFETIME_S }))
}

/// Login sessions of a page; a user has no more.
const MAX_SESSIONS: u64 = 100;
