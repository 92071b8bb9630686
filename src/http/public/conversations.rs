//! Conversations with what is unread, and how far each side has got.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::chat::HistoryBody;
use super::users::KeyedUserBody;
use crate::auth::Access;
use crate::domain::Seq;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, limit, limit_schema, number, query};
use crate::http::respond::{Response, json_list};

/// Conversations on a page, unless asked otherwise.
const DEFAULT_LIMIT: u64 = 20;
/// Most conversations on a page.
const MAX_LIMIT: u64 = 100;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ConversationsQuery {
    #[param(schema_with = limit_schema::<20>, required = false)]
    limit: Option<String>,
    /// Only conversations with a `seq` below this: the `seq` of the last one of the page before.
    #[param(value_type = Option<i64>)]
    before: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Conversation)]
pub(in crate::http) struct ConversationBody<'a> {
    conversation_id: i64,
    partner: KeyedUserBody<'a>,
    /// Absent when all messages are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_message: Option<HistoryBody<'a>>,
    /// Messages of the partner that you have not read and can still be shown.
    unread: i64,
    read_up_to_id: Option<i64>,
    partner_read_up_to_id: Option<i64>,
    partner_delivered_up_to_id: Option<i64>,
    /// Whether you have blocked the partner.
    blocked: bool,
    /// Of its newest message, deleted ones counted.
    seq: i64,
}

/// Your conversations, newest first. A page ends at 1 MiB of contents: the last one is empty.
#[utoipa::path(get, path = "/chat/conversations", operation_id = "list_conversations", tag = "chat", params(ConversationsQuery), responses(
    (status = 200, description = "Newest first", body = Vec<ConversationBody>),
))]
pub(in crate::http) async fn list(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let query: ConversationsQuery = query(&request)?;
    let limit = limit(query.limit.as_deref(), DEFAULT_LIMIT, MAX_LIMIT)?;
    let before = number("before", query.before.as_deref())?.map(Seq);
    app.dialects.uses_v1(access).await?;
    let conversations = app.storage.conversations(access.viewer(), before, limit, app.clock.now()).await?;
    let bodies: Vec<ConversationBody<'_>> = conversations
        .iter()
        .map(|conversation| ConversationBody {
            conversation_id: conversation.id.0,
            partner: KeyedUserBody::from(&conversation.partner),
            last_message: conversation
                .last_message
                .as_ref()
                .map(|last| HistoryBody::new(last, access.viewer(), app.service.report_tokens())),
            unread: conversation.unread,
            read_up_to_id: conversation.read_up_to.map(|id| id.0),
            partner_read_up_to_id: conversation.partner_read_up_to.map(|id| id.0),
            partner_delivered_up_to_id: conversation.partner_delivered_up_to.map(|id| id.0),
            blocked: conversation.blocked,
            seq: conversation.seq.0,
        })
        .collect();
    Ok(json_list(StatusCode::OK, &bodies).await)
}
