//! Opening the socket.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::Object;

use super::probe;
use crate::actors::Opening;
use crate::auth::AuthError;
use crate::clock;
use crate::domain::{DeviceId, Limiter, Seq, WakeId};
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{
    Connection, Request, check_stranger, client_address, keeps_place, limit_address, query, since,
};
use crate::http::respond::{Body, Response};
use crate::http::words::one_of;
use crate::socket::{Handshake, HandshakeError, Unauthenticated, authenticate};
use crate::telemetry::{HandshakeOutcome, metrics};

/// The one mode that can be asked for.
const BACKGROUND: &str = "background";
/// A request without a token that is no handshake either. `doctor` knows by it that a proxy lets none through.
const NO_HANDSHAKE: &str = "the token is missing, invalid or expired, and this is no WebSocket handshake: \
     a proxy in between may have removed the header Upgrade";

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct SocketQuery {
    /// An access token, for clients that cannot set a header.
    token: Option<String>,
    /// A ticket of `POST /auth/ws_ticket`: opens one socket.
    #[param(value_type = Option<String>)]
    ticket: Option<SecretString>,
    /// fluent.v1: what the device calls itself, `[A-Za-z0-9_-]{1,64}`; a new socket of the same device replaces the old one.
    device_id: Option<String>,
    /// fluent.v1: the cursor to go on from; an empty one is refused.
    since: Option<String>,
    /// fluent.v1: the `w` of the wake-up because of which the device opens the socket.
    wake: Option<String>,
    #[param(schema_with = mode, required = false)]
    mode: Option<String>,
    /// A code with which `doctor` tries sockets.
    #[param(ignore)]
    probe: Option<String>,
}

fn mode() -> Object {
    one_of("fluent.v1: `background` for a socket that does not make its user online.", [BACKGROUND])
}

/// Open a WebSocket (RFC 6455) for messages.
///
/// With the subprotocol `fluent.v1` it speaks what /asyncapi.json describes; browsers may offer `bearer.<token>` beside it.
/// Without one it speaks the dialect of the shipped Android app: send text frames
/// `{"receiverID":int,"receiver_encrypted":s,"sender_encrypted":s,"messageType":"text"}`; every stored message comes back as
/// `{"sender_id","receiver_id","content","message_type","timestamp"}` on all sockets of both sides.
#[utoipa::path(get, path = "/chat/ws", operation_id = "open_socket", tag = "chat", params(SocketQuery), security(("bearer" = []), ()), responses(
    (status = 101, description = "The socket is open"),
    (status = 400, description = "No valid handshake, or a parameter is wrong", body = Problem),
    (status = 426, description = "Not a handshake", body = Problem),
    (status = 429, description = "Too many handshakes of your network or your account", body = Problem),
    (status = 503, description = "Going down, overloaded, or cut off from its database", body = Problem),
))]
pub(in crate::http) async fn open(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let started = Instant::now();
    let opened = Box::pin(opened(app, request)).await;
    let outcome = opened.as_ref().map_or_else(outcome, |_| HandshakeOutcome::Opened);
    metrics().handshakes.ended(outcome, started.elapsed());
    opened
}

/// Returns as what a refused handshake is counted.
fn outcome(refusal: &ApiError) -> HandshakeOutcome {
    match refusal.status() {
        StatusCode::UNAUTHORIZED => HandshakeOutcome::Unauthorized,
        StatusCode::FORBIDDEN => HandshakeOutcome::Banned,
        StatusCode::TOO_MANY_REQUESTS => HandshakeOutcome::Limited,
        status if status.is_server_error() => HandshakeOutcome::Busy,
        _ => HandshakeOutcome::Bad,
    }
}

async fn opened(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    if app.health.gate().is_fenced() {
        return Err(ApiError::Unavailable);
    }
    let query: Result<SocketQuery, ApiError> = query(&request);
    let tried = query.as_ref().ok().and_then(|query| query.probe.as_deref());
    if tried.is_some_and(|code| app.probes.get(code).is_some()) {
        return probe::open(&app, request);
    }
    let (token, ticket) = query.as_ref().map_or((None, None), |query| (query.token.as_deref(), query.ticket.as_ref()));
    let token = token.filter(|_| app.config.auth.token_in_query);
    let authenticated = authenticate(&app.auth, request.headers(), token, ticket).await;
    let access = authenticated.map_err(|refusal| unauthenticated(&app, &request, refusal))?;
    keeps_place(&request);
    let query = query.map_err(|_| ApiError::BadOpening("a query parameter is there twice, or is not text"))?;
    let handshake = Handshake::read(&request)?;
    let (opening, (above, stamp)) = if handshake.is_v1() {
        let has_name = query.device_id.is_some();
        let device = device(query.device_id)?;
        let is_background = is_background(query.mode.as_deref())?;
        let since = since(query.since.as_deref()).map_err(ApiError::BadOpening)?;
        app.limiters.take(Limiter::HandshakeUser, access.user)?;
        // Before anything is read or noted: thousands may come at once.
        let admission = Box::new(app.sockets.admission.admit(access.user).await?);
        app.dialects.uses_v1(access).await?;
        if has_name {
            app.dialects.note_device(access.login, &device).await?;
        }
        let wake = query.wake.as_deref().and_then(WakeId::parse);
        (Some(Opening { device, since, wake, is_background, admission }), (Seq(0), None))
    } else {
        app.limiters.take(Limiter::HandshakeUser, access.user)?;
        (None, app.dialects.opens_legacy(access).await?)
    };
    // The socket keeps its place among the connections until it is closed.
    let place = request.extensions().get::<Connection>().map(|connection| connection.place.clone());
    let client = client_address(&request);
    let response = app.sockets.open(request, &handshake, &access, (opening, above, stamp), client, place).await;
    app.service.close_if_ended(access);
    // It may have been blocked after it was checked.
    if client.is_some_and(|client| app.address_rules.check(client).is_err()) {
        app.close_banned_sockets();
    }
    response.map(|response| response.map(|()| Body::Whole(Bytes::new()))).ok_or(ApiError::Unavailable)
}

/// Returns the refusal of a handshake without a valid credential, which counts for its address. A token that is ours and
/// has expired does not count: every phone that wakes begins so, thousands of them behind one address, and a limit would
/// refuse it at the same cost.
fn unauthenticated(app: &App, request: &Request, refusal: Unauthenticated) -> ApiError {
    let blocked = match refusal {
        Unauthenticated::Failed(error) => return error.into(),
        Unauthenticated::Expired { has_ticket: false } => return AuthError::InvalidToken.into(),
        Unauthenticated::Expired { has_ticket: true } => None,
        Unauthenticated::Nothing | Unauthenticated::Forged => check_stranger(app, request).err(),
    };
    let address = client_address(request);
    if matches!(refusal, Unauthenticated::Forged) {
        app.service.count_forged_handshake(address);
    }
    let limited = || limit_address(app, address, Limiter::HandshakeAddress).err();
    blocked.or_else(limited).unwrap_or_else(|| {
        if matches!(Handshake::read(request), Err(HandshakeError::NotAnUpgrade)) {
            return ApiError::Unauthorized(NO_HANDSHAKE);
        }
        AuthError::InvalidToken.into()
    })
}

fn is_background(mode: Option<&str>) -> Result<bool, ApiError> {
    match mode {
        None => Ok(false),
        Some(BACKGROUND) => Ok(true),
        Some(_) => Err(ApiError::BadOpening("mode must be background, or left out")),
    }
}

/// As the client calls it; a device without a name gets one.
fn device(name: Option<String>) -> Result<DeviceId, ApiError> {
    let made = || clock::random_token().map_err(|error| ApiError::Internal(error.to_string()));
    DeviceId::parse(&name.map_or_else(made, Ok)?).ok_or(ApiError::BadDevice)
}
