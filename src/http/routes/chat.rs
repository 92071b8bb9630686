//! Partners, the chat list and history.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::users::KeyedUserBody;
use crate::domain::Timestamp;
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Request, limit, query, signed_in, user_id};
use crate::http::respond::{Response, json};
use crate::protocol::legacy::MessageBody;

/// Messages on a page, unless asked otherwise.
const DEFAULT_LIMIT: u64 = 20;
/// Most messages on a page.
const MAX_LIMIT: u64 = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct PartnerQuery {
    /// The partner's id.
    #[serde(rename = "partnerID")]
    #[param(value_type = i32)]
    partner_id: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct HistoryQuery {
    /// The partner's id.
    #[serde(rename = "partnerID")]
    #[param(value_type = i32)]
    partner_id: Option<String>,
    /// Only messages older than this: the `timestamp` of the last one of the page before.
    before: Option<String>,
    /// 1–100, default 20.
    #[param(value_type = Option<u64>)]
    limit: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ChatListBody<'a> {
    partner: KeyedUserBody,
    message: MessageBody<'a>,
}

/// A user's name and public key.
#[utoipa::path(get, path = "/chat/partnerinfo", tag = "chat", params(PartnerQuery), security(("bearer" = [])), responses(
    (status = 200, body = KeyedUserBody),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn partnerinfo(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    signed_in(&app, &request)?;
    let query: PartnerQuery = query(&request)?;
    let partner = app.storage.user(user_id("partnerID", query.partner_id.as_deref())?).await?;
    Ok(json(StatusCode::OK, &KeyedUserBody::from(partner.ok_or(NO_USER)?)))
}

/// Everybody you have written with, with the newest message, newest first; at most 1000.
#[utoipa::path(get, path = "/chat/chat_list", tag = "chat", security(("bearer" = [])), responses(
    (status = 200, body = Vec<ChatListBody>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn chat_list(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let access = signed_in(&app, &request)?;
    let entries = app.storage.chat_list(access.user).await?;
    let bodies: Vec<ChatListBody<'_>> = entries
        .iter()
        .map(|entry| ChatListBody {
            partner: KeyedUserBody::from(entry.partner.clone()),
            message: MessageBody::from(&entry.newest),
        })
        .collect();
    Ok(json(StatusCode::OK, &bodies))
}

/// Your messages with one partner, newest first. `content` is the copy made for you.
#[utoipa::path(get, path = "/chat/all_messages", tag = "chat", params(HistoryQuery), security(("bearer" = [])), responses(
    (status = 200, body = Vec<MessageBody>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn all_messages(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let access = signed_in(&app, &request)?;
    let query: HistoryQuery = query(&request)?;
    let partner = user_id("partnerID", query.partner_id.as_deref())?;
    let before = query.before.as_deref().map(Timestamp::parse_bound).transpose();
    let before = before.map_err(|error| ApiError::Invalid(format!("before: {error}")))?;
    let limit = limit(query.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
    let messages = app.storage.history(access.user, partner, before, limit).await?;
    if messages.is_empty() && app.storage.user(partner).await?.is_none() {
        return Err(NO_USER);
    }
    let bodies: Vec<MessageBody<'_>> = messages.iter().map(MessageBody::from).collect();
    Ok(json(StatusCode::OK, &bodies))
}

const NO_USER: ApiError = ApiError::NotFound("there is no such user");
