//! The audit log.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{MAX_PAGE, PAGE};
use crate::domain::{AuditEntry, AuditEvent, AuditFilter, Timestamp, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, limit, number, query};
use crate::http::respond::{Response, json};
use crate::storage::AuditFrom;

#[derive(Deserialize)]
struct Wanted {
    before: Option<String>,
    after: Option<String>,
    limit: Option<String>,
    event: Option<String>,
    user: Option<String>,
    since: Option<String>,
}

/// An entry as operators see it.
#[derive(Serialize)]
struct Shown {
    id: i64,
    at: Timestamp,
    event: String,
    actor_kind: String,
    actor_id: Option<UserId>,
    subject_id: Option<UserId>,
    network: Option<String>,
    detail: Value,
}

impl From<AuditEntry> for Shown {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            event: entry.event,
            actor_kind: entry.actor_kind,
            actor_id: entry.actor,
            subject_id: entry.subject,
            network: entry.network,
            detail: entry.detail,
        }
    }
}

#[derive(Serialize)]
struct List {
    entries: Vec<Shown>,
}

/// Entries, newest first before `before`, or oldest first after `after`.
pub(super) async fn list(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let wanted: Wanted = query(&request)?;
    let (before, after) = (number("before", wanted.before.as_deref())?, number("after", wanted.after.as_deref())?);
    let from = match (before, after) {
        (Some(_), Some(_)) => return Err(ApiError::Invalid("before and after exclude each other".to_owned())),
        (before, None) => AuditFrom::Before(before),
        (None, Some(after)) => AuditFrom::After(after),
    };
    let event = wanted.event.as_deref().map(|event| {
        AuditEvent::parse(event).ok_or_else(|| ApiError::Invalid("event must be one of the audit log".to_owned()))
    });
    let since = wanted
        .since
        .as_deref()
        .map(|since| Timestamp::parse_bound(since).map_err(|error| ApiError::Invalid(format!("since is {error}"))));
    let filter = AuditFilter {
        event: event.transpose()?,
        user: number("user", wanted.user.as_deref())?.map(UserId),
        since: since.transpose()?,
    };
    let limit = limit(wanted.limit.as_deref(), PAGE, MAX_PAGE)?;
    let entries = app.service.audit_entries(from, filter, limit).await?.into_iter().map(Shown::from).collect();
    Ok(json(StatusCode::OK, &List { entries }))
}
