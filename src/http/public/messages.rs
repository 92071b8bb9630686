//! Messages without a socket: for an app that is woken in the background.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{Array, ArrayBuilder};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::auth::Access;
use crate::domain::{Answer, DeviceId, Event, Limiter, MessageId, Scope, Seq, UserId, Viewer, WakeId};
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{
    JsonObject, Request, idempotency_key, json_body, json_bytes, limit, limit_schema, path_id, query, since,
};
use crate::http::refusals::NotFound;
use crate::http::respond::{MAX_LIST_BYTES, Response, json, typed};
use crate::protocol::franking::ReportTokens;
use crate::protocol::{Frame, v1};
use crate::service::SyncPage;
use crate::storage::{PAGE_BYTES, PageLimit};

/// Conversations that one request may report as read.
const MAX_READS: usize = 256;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct DeleteQuery {
    /// The sides for which it is deleted.
    #[param(value_type = DeleteFor, inline, required = true)]
    r#for: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct SyncQuery {
    /// A cursor; without one there are no events, only the newest cursor. An empty one is none, and refused.
    since: Option<String>,
    #[param(schema_with = limit_schema::<100>, required = false)]
    limit: Option<String>,
    /// The device that asks, `[A-Za-z0-9_-]{1,64}`: it has everything up to `since`, and need not be woken for it.
    device_id: Option<String>,
    /// The `w` of the wake-up because of which it asks.
    wake: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SyncAnswer {
    #[schema(schema_with = sync_events)]
    events: Vec<Box<RawValue>>,
    /// For the next request.
    #[schema(example = "k3f9:812")]
    cursor: String,
    /// Whether there is more right now.
    more: bool,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ReceiptsRequest {
    #[schema(value_type = Option<DeliveredBody>)]
    delivered: Option<JsonObject<DeliveredBody>>,
    /// At most 256.
    #[schema(value_type = Option<Vec<ReadBody>>)]
    read: Option<Vec<JsonObject<ReadBody>>>,
    /// The device that has kept what is `delivered`, `[A-Za-z0-9_-]{1,64}`: it need not be woken for it.
    device_id: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = DeliveredUpTo)]
struct DeliveredBody {
    /// Every event up to this one is kept.
    #[schema(minimum = 0)]
    up_to_seq: u64,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ReadUpTo)]
struct ReadBody {
    partner_id: i64,
    /// The newest message that was read.
    #[schema(minimum = 0)]
    up_to_id: u64,
}

/// Store and deliver a message, as `send` on the socket.
#[utoipa::path(post, path = "/chat/messages", operation_id = "send_message", tag = "chat",
    request_body(content = ref("#/components/schemas/SendRequest"), content_type = "application/json"),
    params(("Idempotency-Key" = Option<String>, Header, description = "Instead of client_id: the same text, bare or as a quoted string (RFC 8941)")), responses(
    (status = 201, description = "Stored", body = ref("#/components/schemas/StoredFrame")),
    (status = 200, description = "An earlier try has stored it", body = ref("#/components/schemas/StoredFrame")),
    (status = 403, description = "One of you has blocked the other (`blocked`), or you have as many messages here as you may (`quota`)", body = Problem),
    (status = 404, description = "No such user, no such message to answer, or no such file of yours", body = Problem),
    (status = 409, description = "The client id names another message, or the receiver has a new key", body = Problem),
))]
pub(in crate::http) async fn send(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let key = idempotency_key(request.headers())?;
    let body = json_bytes(request).await?;
    let limits = app.config.send_limits();
    let (_, mut draft) = v1::decode_send_body(&body, access.user, limits, key.as_deref())?;
    app.limiters.count_send(&mut draft);
    app.dialects.uses_v1(access).await?;
    let stored = app.service.send(draft).await?;
    let status = if stored.duplicate { StatusCode::OK } else { StatusCode::CREATED };
    frame(status, v1::answer(&Answer::Stored(stored), access.viewer(), None))
}

/// Delete a message, as `delete` on the socket.
#[utoipa::path(delete, path = "/chat/messages/{id}", operation_id = "delete_message", tag = "chat",
    params(("id" = i64, Path, description = "The message's id"), DeleteQuery), responses(
    (status = 200, description = "It is deleted", body = ref("#/components/schemas/DeletedFrame")),
    (status = 403, description = "Not yours, or too late", body = Problem),
    NotFound,
))]
pub(in crate::http) async fn delete(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let query: DeleteQuery = query(&request)?;
    let scope = match query.r#for.as_deref() {
        Some("me") => Scope::Me,
        Some("everyone") => Scope::Everyone,
        _ => return Err(ApiError::Invalid("for must be me or everyone".to_owned())),
    };
    let id: MessageId = path_id(&request)?;
    app.limiters.take(Limiter::EventUser, access.user)?;
    app.dialects.uses_v1(access).await?;
    let (deletion, duplicate) = app.service.delete_message(access.user, id, scope).await?;
    frame(StatusCode::OK, v1::answer(&Answer::Deleted { deletion, duplicate }, access.viewer(), None))
}

/// What happened after a cursor, page by page.
#[utoipa::path(get, path = "/chat/sync", operation_id = "sync_events", tag = "chat", params(SyncQuery), responses(
    (status = 200, description = "The events, and the cursor behind them", body = SyncAnswer),
))]
pub(in crate::http) async fn sync(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let query: SyncQuery = query(&request)?;
    let page = app.config.socket.sync_page as u64;
    let limit = limit(query.limit.as_deref(), page, page)?;
    app.dialects.uses_v1(access).await?;
    let since = since(query.since.as_deref()).map_err(|refusal| ApiError::Invalid(refusal.to_owned()))?;
    let page = PageLimit { events: usize::try_from(limit).unwrap_or(usize::MAX), bytes: PAGE_BYTES };
    let device = device(query.device_id)?;
    let SyncPage { events: found, reset, since: known, mut cursor, is_last } =
        app.service.sync(access.viewer(), since.as_ref(), page).await?;
    if let Some(device) = &device {
        let wake = query.wake.as_deref().and_then(WakeId::parse);
        app.service.note_came(access.user, device, wake.as_ref());
    }
    if let Some(known) = known {
        app.service.note_acknowledged(access, device, known);
    }
    if let Some(reason) = reset {
        let events = vec![raw(v1::reset(reason, &cursor))?];
        return Ok(json(StatusCode::OK, &SyncAnswer { events, cursor: cursor.to_string(), more: false }));
    }
    let (events, last) = written(&found, access.viewer(), app.service.report_tokens())?;
    // Not all of them, when what they are written as is larger than they are.
    let is_cut = events.len() < found.len();
    if is_cut {
        cursor.seq = last;
    }
    let more = is_cut || !is_last;
    Ok(json(StatusCode::OK, &SyncAnswer { events, cursor: cursor.to_string(), more }))
}

/// The frames of as many events as a list holds, at least one, and the last one's number.
fn written(events: &[Event], viewer: Viewer, tokens: &ReportTokens) -> Result<(Vec<Box<RawValue>>, Seq), ApiError> {
    let (mut frames, mut bytes, mut last) = (Vec::with_capacity(events.len()), 0, Seq(0));
    for event in events {
        let frame = raw(v1::event(event, viewer, tokens))?;
        bytes += frame.get().len();
        if bytes > MAX_LIST_BYTES && !frames.is_empty() {
            break;
        }
        last = event.seq;
        frames.push(frame);
    }
    Ok((frames, last))
}

/// Say what has arrived and what was read, as `delivered` and `read` on the socket. Unknown partners are skipped.
#[utoipa::path(post, path = "/chat/receipts", operation_id = "send_receipts", tag = "chat", request_body = ReceiptsRequest, responses(
    (status = 204, description = "Noted"),
))]
pub(in crate::http) async fn receipts(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let expected = "an object with delivered {up_to_seq} and read [{partner_id, up_to_id}], both optional";
    let receipts: ReceiptsRequest = json_body(request, expected).await?;
    let reads = receipts.read.unwrap_or_default();
    let device = device(receipts.device_id)?;
    if reads.len() > MAX_READS {
        return Err(ApiError::Invalid(format!("read must have at most {MAX_READS} entries")));
    }
    // Each as it counts on the socket.
    let count = reads.len() + usize::from(receipts.delivered.is_some());
    app.limiters.take_some(Limiter::EventUser, access.user, u32::try_from(count).unwrap_or(u32::MAX).max(1))?;
    app.dialects.uses_v1(access).await?;
    let number = |number: u64| i64::try_from(number).map_err(|_| ApiError::wrong_body(expected));
    let delivered = receipts.delivered.map(|JsonObject(delivered)| number(delivered.up_to_seq).map(Seq)).transpose()?;
    let known =
        reads.into_iter().filter_map(|JsonObject(read)| Some((i32::try_from(read.partner_id).ok()?, read.up_to_id)));
    let reads = known.map(|(partner, up_to)| Ok((UserId(partner), MessageId(number(up_to)?))));
    let reads: Vec<_> = reads.collect::<Result<_, ApiError>>()?;
    app.service.note_receipts(access.user, delivered, reads).await?;
    if let Some(up_to) = delivered {
        app.service.note_acknowledged(access, device, up_to);
    }
    Ok(crate::http::respond::no_content())
}

/// Returns the schema of a list of events: the frames' own.
fn sync_events() -> Array {
    ArrayBuilder::new()
        .description(Some(
            "Frames as on the socket, in the order of `seq`. Types that you do not know may be among them.",
        ))
        .items(Ref::from_schema_name("SyncEvent"))
        .build()
}

/// Describes a [`Scope`], which is a schema of the frames.
struct DeleteFor;

impl PartialSchema for DeleteFor {
    fn schema() -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name("DeleteFor"))
    }
}

impl ToSchema for DeleteFor {}

/// The device that asks, if it says so.
fn device(name: Option<String>) -> Result<Option<DeviceId>, ApiError> {
    let wrong = || ApiError::Invalid("device_id must match [A-Za-z0-9_-]{1,64}".to_owned());
    name.map(|name| DeviceId::parse(&name).ok_or_else(wrong)).transpose()
}

fn frame(status: StatusCode, frame: Option<Frame>) -> Result<Response, ApiError> {
    let frame = frame.ok_or_else(|| ApiError::Internal("a command was answered with something else".to_owned()))?;
    Ok(typed(status, "application/json", frame.into_bytes()))
}

fn raw(frame: Frame) -> Result<Box<RawValue>, ApiError> {
    let internal = |error: &dyn std::fmt::Display| ApiError::Internal(error.to_string());
    let text = String::from_utf8(frame.into_bytes().into()).map_err(|error| internal(&error))?;
    RawValue::from_string(text).map_err(|error| internal(&error))
}
