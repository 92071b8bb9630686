//! Reading requests: parameters, access tokens and addresses.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::app::App;
pub(super) use super::body::{JsonObject, LimitedBody, json_body, json_bytes};
use super::error::ApiError;
use super::places::Place;
use crate::auth::{Access, Bearer, bearer};
use crate::domain::{Banned, ClientAddress, InviteId, Limiter, LoginId, MessageId, ReportId, Since, Timestamp, UserId};

/// The header that names a message, so that it may be sent again.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header with the code of an invite, for clients whose registration has no field for it.
pub(super) const INVITE_CODE: HeaderName = HeaderName::from_static("x-invite-code");

/// A request as endpoints receive it.
pub(super) type Request = http::Request<LimitedBody>;

/// The connection that a request came by.
#[derive(Clone)]
pub(super) struct Connection {
    /// The client, as a proxy before it tells; of the connection itself, if none does.
    pub(super) client: ClientAddress,
    /// Whether its peer is a proxy that is believed.
    pub(super) is_of_trusted_proxy: bool,
    /// Its place among the connections that are allowed at once.
    pub(super) place: Arc<Place>,
}

impl Connection {
    /// Returns whether a request with these extensions came over a connection from a proxy that is believed.
    pub(super) fn is_of_trusted_proxy(extensions: &http::Extensions) -> bool {
        extensions.get::<Self>().is_some_and(|connection| connection.is_of_trusted_proxy)
    }
}

/// The parameters in the path of a request, as the router has found them.
#[derive(Clone)]
pub(super) struct PathParameters(pub(super) Vec<(String, String)>);

/// Returns a parameter in the path, such as `{file}`.
pub(super) fn path_parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let PathParameters(all) = request.extensions().get()?;
    all.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// The type of an `{id}` in a path.
pub(super) trait PathId: Sized {
    /// The refusal of an id that nothing has.
    const UNKNOWN: &'static str;

    /// Reads the text of an id.
    fn parse(text: &str) -> Option<Self>;
}

impl PathId for UserId {
    const UNKNOWN: &'static str = "there is no such user";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl PathId for LoginId {
    const UNKNOWN: &'static str = "there is no such session";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl PathId for InviteId {
    const UNKNOWN: &'static str = "there is no such invite";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl PathId for ReportId {
    const UNKNOWN: &'static str = "there is no such report";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl PathId for MessageId {
    const UNKNOWN: &'static str = "there is no such message";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// Returns the `{id}` in the path. A text that cannot be an id is that of nothing.
pub(super) fn path_id<T: PathId>(request: &Request) -> Result<T, ApiError> {
    path_parameter(request, "id").and_then(T::parse).ok_or(ApiError::NotFound(T::UNKNOWN))
}

/// Returns the key of the header, which may be quoted as a string (RFC 8941 §3.3.3), and may be there twice only if it
/// is the same.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut found: Option<&str> = None;
    for value in headers.get_all(IDEMPOTENCY_KEY) {
        let text = value.to_str().map_err(|_| ApiError::Invalid("Idempotency-Key must be plain text".to_owned()))?;
        let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let key = quoted.unwrap_or(text);
        if found.is_some_and(|found| found != key) {
            return Err(ApiError::Invalid("Idempotency-Key is there twice".to_owned()));
        }
        found = Some(key);
    }
    Ok(found.map(str::to_owned))
}

/// Reads the query; each parameter at most once.
pub(super) fn query<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    serde_urlencoded::from_str(request.uri().query().unwrap_or_default())
        .map_err(|_| ApiError::Invalid("a query parameter is there twice".to_owned()))
}

/// Reads the cursor to continue from, if there is one. Returns the refusal's text when it is empty, as a client sends
/// it that has lost its cursor.
pub(super) fn since(text: Option<&str>) -> Result<Option<Since>, &'static str> {
    const EMPTY: &str = "since must be a cursor; leave it out when there is none";
    text.map(|text| Since::parse(text).ok_or(EMPTY)).transpose()
}

/// Reads a whole number in the query.
pub(super) fn number<T: std::str::FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, ApiError> {
    text.map(|text| text.parse().map_err(|_| ApiError::Invalid(format!("{name} must be a whole number")))).transpose()
}

/// Reads a user's id in the query, which must be there.
pub(super) fn user_id(name: &str, text: Option<&str>) -> Result<UserId, ApiError> {
    number(name, text)?.map(UserId).ok_or_else(|| ApiError::Invalid(format!("{name} is missing")))
}

/// Reads the `limit` of a page, at least 1; a larger one than `max` means `max`.
pub(super) fn limit(text: Option<&str>, default: u64, max: u64) -> Result<u64, ApiError> {
    let Some(text) = text else { return Ok(default) };
    let at_least_one = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && text.bytes().any(|b| b != b'0');
    if !at_least_one {
        return Err(ApiError::Invalid("limit must be a whole number of at least 1".to_owned()));
    }
    // Digits alone: what does not fit is above any maximum.
    Ok(text.parse().unwrap_or(max).min(max))
}

/// Describes the `limit` of a page: 1 to 100. [`limit`] takes a larger one too, for clients that were made so.
pub(super) fn limit_schema<const DEFAULT: u64>() -> Object {
    let range = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(100));
    range.default(Some(DEFAULT.into())).description(Some("How many at most. More than 100 means 100.")).build()
}

/// Returns what the access token of a request grants. Fails without a valid one.
pub(super) fn signed_in<B>(app: &App, request: &http::Request<B>) -> Result<Access, ApiError> {
    let header = request.headers().get_all(AUTHORIZATION);
    match bearer(header.iter().filter_map(|value| value.to_str().ok())) {
        Bearer::Token(token) => {
            let access = app.auth.access().verify(token)?;
            keeps_place(request);
            Ok(access)
        }
        Bearer::Absent => Err(ApiError::Unauthorized("sign in: Authorization: Bearer <access token> is missing")),
        Bearer::Ambiguous => Err(ApiError::Unauthorized("Authorization holds different tokens")),
    }
}

/// Returns whether a request brings a token of ours, accepted or not.
pub(super) fn brings_expired<B>(app: &App, request: &http::Request<B>) -> bool {
    let header = request.headers().get_all(AUTHORIZATION).iter().filter_map(|value| value.to_str().ok());
    matches!(bearer(header), Bearer::Token(token) if app.auth.access().is_ours(token))
}

/// Makes the connection of this request keep its place, since a user has signed in on it.
pub(super) fn keeps_place<B>(request: &http::Request<B>) {
    if let Some(connection) = request.extensions().get::<Connection>() {
        connection.place.vouch();
    }
}

/// Takes a token of a limiter that counts by the class of the client's address.
pub(super) fn limit_address(app: &App, address: Option<ClientAddress>, limiter: Limiter) -> Result<(), ApiError> {
    match address {
        Some(address) => Ok(app.limiters.take(limiter, address.class())?),
        None => Ok(()),
    }
}

/// Refuses a request without a valid credential from a network that may not sign in.
pub(super) fn check_stranger<B>(app: &App, request: &http::Request<B>) -> Result<(), ApiError> {
    match client_address(request) {
        Some(client) => Ok(app.address_rules.check_stranger(client).map_err(|banned| banned_until(app, banned))?),
        None => Ok(()),
    }
}

/// Refuses a request from a network that may not come in at all.
pub(super) fn check_address<B>(app: &App, request: &http::Request<B>) -> Result<(), ApiError> {
    match client_address(request) {
        Some(client) => Ok(app.address_rules.check(client).map_err(|banned| banned_until(app, banned))?),
        None => Ok(()),
    }
}

/// Returns the refusal of a request from a blocked network.
fn banned_until(app: &App, banned: Banned) -> ApiError {
    let left = |end: Timestamp| end.as_micros().saturating_sub(app.clock.now().as_micros());
    let retry_after_ms = banned.until.map(|end| u64::try_from(left(end) / 1000).unwrap_or_default());
    ApiError::Banned { retry_after_ms }
}

/// Returns the address of the client.
pub(super) fn client_address<B>(request: &http::Request<B>) -> Option<ClientAddress> {
    request.extensions().get::<Connection>().map(|connection| connection.client)
}

#[cfg(test)]
mod tests {
    #[test]
    fn limits_are_clamped_or_refused() {
        let limit = |text| super::limit(text, 20, 100).ok();
        assert_eq!(limit(None), Some(20));
        assert_eq!(limit(Some("1")), Some(1));
        assert_eq!(limit(Some("100")), Some(100));
        assert_eq!(limit(Some("101")), Some(100));
        assert_eq!(limit(Some("99999999999999999999999")), Some(100));
        for bad in ["0", "00", "-1", "ten", "", "1.5", "+5"] {
            assert_eq!(limit(Some(bad)), None, "{bad}");
        }
    }
}
