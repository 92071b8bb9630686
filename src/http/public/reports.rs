//! Reports of messages to the operators.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::auth::Access;
use crate::domain::{
    Attested, ConversationId, Disclosure, FrankingKey, FrankingTag, Limiter, MessageId, NewReport, ReportId,
    ReportLevel, ReportReason, Timestamp, UserId,
};
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Request, client_address, json_body};
use crate::http::respond::{Response, json};
use crate::http::words::one_of;

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ReportRequest {
    /// As in the message.
    message_id: i64,
    /// As in the message.
    conversation_id: i64,
    /// As in the message.
    sender_id: i32,
    /// As in the message.
    #[schema(value_type = String, format = DateTime)]
    timestamp: String,
    /// As in the message.
    report_token: String,
    #[schema(schema_with = reason)]
    reason: ReportReason,
    /// For the operators, at most 1000 characters.
    #[serde(default)]
    note: Option<String>,
    /// As in the message, if it is there.
    #[serde(default)]
    franking_tag: Option<String>,
    /// The key in the message's plaintext, with `plaintext`: 43 characters of base64url.
    #[serde(default)]
    franking_key: Option<String>,
    /// What the message says, without the key; at most 64 KiB.
    #[serde(default)]
    plaintext: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ReportAnswer {
    #[schema(value_type = i64)]
    id: ReportId,
    #[schema(schema_with = level)]
    level: ReportLevel,
}

fn reason() -> Object {
    one_of("Why you report it.", ReportReason::ALL.iter().map(|reason| reason.as_str()))
}

fn level() -> Object {
    let about = "`metadata`: who has sent a message to whom, and when, is proved; `content`: what it says, too.";
    one_of(about, ReportLevel::ALL.iter().map(|level| level.as_str()))
}

/// Report a message that you have received.
///
/// What the message says is told only if you disclose its key and plaintext. A message can be reported once; the first report stays as it is.
#[utoipa::path(post, path = "/reports", operation_id = "report_message", tag = "chat", request_body = ReportRequest, responses(
    (status = 201, description = "Reported", body = ReportAnswer),
    (status = 200, description = "You have reported it before", body = ReportAnswer),
    (status = 422, description = "A field is missing or wrong (`bad_frame`), or something is not proved, too old, or of a user who is gone (`report_invalid`)", body = Problem),
))]
pub(in crate::http) async fn report(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let expected = "an object with message_id, conversation_id, sender_id, timestamp, report_token, reason, and \
         perhaps note, franking_tag, franking_key and plaintext";
    let body: ReportRequest = json_body(request, expected).await?;
    let report = parse(body, access.user)?;
    app.limiters.take(Limiter::ReportUser, access.user)?;
    let added = app.service.report(access.user, report, address).await?;
    let status = if added.is_repeated { StatusCode::OK } else { StatusCode::CREATED };
    Ok(json(status, &ReportAnswer { id: added.id, level: added.level }))
}

/// Reads the fields of a report by `receiver`.
fn parse(body: ReportRequest, receiver: UserId) -> Result<NewReport, ApiError> {
    let invalid = |text: &str| ApiError::Invalid(text.to_owned());
    let timestamp = Timestamp::parse_bound(&body.timestamp);
    let tag = body
        .franking_tag
        .as_deref()
        .map(|tag| FrankingTag::parse(tag).ok_or_else(|| invalid("franking_tag must be 43 characters of base64url")));
    let key = body
        .franking_key
        .as_deref()
        .map(|key| FrankingKey::parse(key).ok_or_else(|| invalid("franking_key must be 43 characters of base64url")));
    let disclosure = match (key.transpose()?, body.plaintext) {
        (None, None) => None,
        (Some(key), Some(plaintext)) => Some(Disclosure::new(key, plaintext)?),
        _ => return Err(invalid("franking_key and plaintext come together")),
    };
    let note = body.note.unwrap_or_default();
    NewReport::check_note(&note)?;
    Ok(NewReport {
        attested: Attested {
            message: MessageId(body.message_id),
            conversation: ConversationId(body.conversation_id),
            sender: UserId(body.sender_id),
            receiver,
            timestamp: timestamp.map_err(|error| ApiError::Invalid(format!("timestamp is {error}")))?,
            tag: tag.transpose()?,
        },
        token: body.report_token,
        reason: body.reason,
        note,
        disclosure,
    })
}
