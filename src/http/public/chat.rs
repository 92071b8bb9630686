//! Partners, the chat list and history.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::directory::limit_told;
use super::users::KeyedUserBody;
use crate::auth::Access;
use crate::domain::{Attachment, FrankingTag, Message, MessageId, Timestamp, Viewer};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, limit, limit_schema, number, query, user_id};
use crate::http::refusals::NotFound;
use crate::http::respond::{Response, json, json_list};
use crate::protocol::franking::ReportTokens;
use crate::protocol::v1;
use crate::storage::Before;

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
    /// Only messages older than this: the `timestamp` of the last one of the page before. With fewer than six decimals
    /// it means the end of its unit.
    before: Option<String>,
    /// Instead of `before`: only messages before the one with this id, wherever that is.
    #[param(value_type = Option<i64>)]
    before_id: Option<String>,
    #[param(schema_with = limit_schema::<20>, required = false)]
    limit: Option<String>,
}

/// A message. The shipped Android app takes the first five keys and ignores the others.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub(in crate::http) struct HistoryBody<'a> {
    sender_id: i32,
    receiver_id: i32,
    /// The copy encrypted for the one who asks.
    content: &'a str,
    #[schema(example = "text")]
    message_type: &'a str,
    /// UTC with microseconds; strictly increasing.
    #[schema(value_type = String, format = DateTime, example = "2026-11-22T15:00:00.000000Z")]
    timestamp: Timestamp,
    id: i64,
    seq: i64,
    conversation_id: i64,
    /// Your name for it, when it is yours.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<i64>,
    /// From when on nobody is shown it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// What its sender has committed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    franking_tag: Option<&'a str>,
    /// For `POST /reports`, when it is not yours.
    #[serde(skip_serializing_if = "Option::is_none")]
    report_token: Option<String>,
    /// The files that it names, in the sender's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    attachments: Vec<AttachmentBody>,
}

/// A file that a message names.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageAttachment)]
pub(in crate::http) struct AttachmentBody {
    #[schema(example = "Xq2zT4m1c0-hUeJ9dR5bPA")]
    id: String,
    /// Where it is read.
    #[schema(example = "/media/Xq2zT4m1c0-hUeJ9dR5bPA")]
    file_url: String,
    /// Its size in bytes.
    size: u64,
}

impl From<&Attachment> for AttachmentBody {
    fn from(file: &Attachment) -> Self {
        Self { id: file.id.to_string(), file_url: v1::file_url(file.id), size: file.size }
    }
}

impl<'a> HistoryBody<'a> {
    /// The message as `viewer` is shown it.
    pub(super) fn new(message: &'a Message, viewer: Viewer, tokens: &ReportTokens) -> Self {
        Self {
            sender_id: message.sender.0,
            receiver_id: message.receiver.0,
            content: message.content_for(viewer),
            message_type: &message.message_type,
            timestamp: message.timestamp,
            id: message.id.0,
            seq: message.seq.0,
            conversation_id: message.conversation_id.0,
            client_id: message.client_id_for(viewer),
            reply_to: message.reply_to.map(|id| id.0),
            expires_at: message.expires_at,
            franking_tag: message.franking_tag.as_ref().map(FrankingTag::as_str),
            report_token: tokens.of(message, viewer).map(|token| token.as_str().to_owned()),
            attachments: message.attachments.iter().map(AttachmentBody::from).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ChatListEntry)]
pub(in crate::http) struct ChatListBody<'a> {
    partner: KeyedUserBody<'a>,
    message: HistoryBody<'a>,
}

/// A user's name and public key.
#[utoipa::path(get, path = "/chat/partnerinfo", operation_id = "get_partner", tag = "chat", params(PartnerQuery), responses(
    (status = 200, description = "The user", body = KeyedUserBody),
    NotFound,
))]
pub(in crate::http) async fn partnerinfo(
    app: Arc<App>,
    access: Access,
    request: Request,
) -> Result<Response, ApiError> {
    let query: PartnerQuery = query(&request)?;
    let partner = app.storage.user(user_id("partnerID", query.partner_id.as_deref())?).await?.ok_or(NO_USER)?;
    limit_told(&app, access.into(), &[partner.id]).await?;
    Ok(json(StatusCode::OK, &KeyedUserBody::from(&partner)))
}

/// Everybody you have written with, with the newest message, newest first; at most 1000, and 1 MiB of contents.
#[utoipa::path(get, path = "/chat/chat_list", operation_id = "list_chats", tag = "chat", responses(
    (status = 200, description = "Newest first", body = Vec<ChatListBody>),
))]
pub(in crate::http) async fn chat_list(app: Arc<App>, access: Access, _: Request) -> Result<Response, ApiError> {
    let entries = app.storage.chat_list(access.viewer(), app.clock.now()).await?;
    let bodies: Vec<ChatListBody<'_>> = entries
        .iter()
        .map(|entry| ChatListBody {
            partner: KeyedUserBody::from(&entry.partner),
            message: HistoryBody::new(&entry.newest, access.viewer(), app.service.report_tokens()),
        })
        .collect();
    Ok(json_list(StatusCode::OK, &bodies).await)
}

/// Your messages with one partner, newest first. `content` is the copy made for you. A page ends at 1 MiB of contents:
/// the last one is empty.
#[utoipa::path(get, path = "/chat/all_messages", operation_id = "list_messages", tag = "chat", params(HistoryQuery), responses(
    (status = 200, description = "Newest first", body = Vec<HistoryBody>),
    NotFound,
))]
pub(in crate::http) async fn all_messages(
    app: Arc<App>,
    access: Access,
    request: Request,
) -> Result<Response, ApiError> {
    let query: HistoryQuery = query(&request)?;
    let partner = user_id("partnerID", query.partner_id.as_deref())?;
    let before = before(&query)?;
    let limit = limit(query.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
    let messages = app.storage.history(access.viewer(), partner, before, limit, app.clock.now()).await?;
    if messages.is_empty() && app.storage.user(partner).await?.is_none() {
        return Err(NO_USER);
    }
    if let (Before::Newest, Some(newest)) = (before, messages.first())
        && app.dialects.is_legacy(access).await?
    {
        // The app cannot say what it has read: what it fetches, it shows.
        app.service.note_read_if_idle(access.user, partner, newest.id);
    }
    let bodies: Vec<HistoryBody<'_>> = messages
        .iter()
        .map(|message| HistoryBody::new(message, access.viewer(), app.service.report_tokens()))
        .collect();
    Ok(json_list(StatusCode::OK, &bodies).await)
}

fn before(query: &HistoryQuery) -> Result<Before, ApiError> {
    match (query.before.as_deref(), query.before_id.as_deref()) {
        (None, None) => Ok(Before::Newest),
        (Some(time), None) => Timestamp::parse_bound(time)
            .map(Before::Time)
            .map_err(|error| ApiError::Invalid(format!("before: {error}"))),
        (None, id) => Ok(number("before_id", id)?.map_or(Before::Newest, |id| Before::Id(MessageId(id)))),
        (Some(_), Some(_)) => Err(ApiError::Invalid("before and before_id do not go together".to_owned())),
    }
}

const NO_USER: ApiError = ApiError::NotFound("there is no such user");
