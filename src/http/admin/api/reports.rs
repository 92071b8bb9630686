//! Reports of messages.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{MAX_PAGE, PAGE, operator};
use crate::domain::{
    MessageId, Report, ReportDecision, ReportId, ReportLevel, ReportReason, ReportState, Timestamp, UserId,
};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body, limit, number, path_id, query};
use crate::http::respond::{Response, json, secret_json};

#[derive(Deserialize)]
struct Wanted {
    state: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    state: ReportState,
    #[serde(default)]
    disable_user: bool,
    #[serde(default)]
    note: Option<String>,
}

/// A report as operators see it.
#[derive(Serialize)]
struct Shown {
    id: ReportId,
    state: ReportState,
    level: ReportLevel,
    reason: ReportReason,
    reporter_id: Option<UserId>,
    subject_id: UserId,
    message_id: MessageId,
    sent_at: Timestamp,
    created_at: Timestamp,
    decided_at: Option<Timestamp>,
    note: String,
    /// What operators have noted.
    decision_note: Option<String>,
    /// Whether it discloses what the message says.
    has_plaintext: bool,
    /// What the message says, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<String>,
}

impl Shown {
    fn of(report: Report, reveals: bool) -> Self {
        Self {
            id: report.id,
            state: report.state,
            level: report.level,
            reason: report.reason,
            reporter_id: report.reporter,
            subject_id: report.subject,
            message_id: report.message,
            sent_at: report.sent_at,
            created_at: report.created_at,
            decided_at: report.decided_at,
            note: report.note,
            decision_note: report.decision_note,
            has_plaintext: report.plaintext.is_some(),
            plaintext: report.plaintext.filter(|_| reveals),
        }
    }
}

#[derive(Serialize)]
struct List {
    reports: Vec<Shown>,
}

/// Reports, newest first, without what they disclose; `before` is the last id of the page before.
pub(super) async fn list(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let wanted: Wanted = query(&request)?;
    let state = wanted.state.as_deref().map(|state| {
        let wrong = || ApiError::Invalid("state must be open, upheld or dismissed".to_owned());
        ReportState::parse(state).ok_or_else(wrong)
    });
    let before = number("before", wanted.before.as_deref())?.map(ReportId);
    let limit = limit(wanted.limit.as_deref(), PAGE, MAX_PAGE)?;
    let found = app.service.reports(state.transpose()?, before, limit).await?;
    let reports = found.into_iter().map(|report| Shown::of(report, false)).collect();
    Ok(json(StatusCode::OK, &List { reports }))
}

/// One report with what it discloses. That it was looked at is recorded.
pub(super) async fn reveal(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let report = app.service.reveal_report(path_id(&request)?, operator(&request)).await?;
    Ok(secret_json(StatusCode::OK, &Shown::of(report, true)))
}

/// Decides a report, or decides it anew.
pub(super) async fn decide(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (id, by) = (path_id(&request)?, operator(&request));
    let expected = "an object with the state open, upheld or dismissed, and perhaps disable_user and note";
    let Decision { state, disable_user, note } = json_body(request, expected).await?;
    let decision = ReportDecision::new(state, disable_user, note)?;
    let report = app.service.decide_report(id, decision, by).await?;
    Ok(json(StatusCode::OK, &Shown::of(report, false)))
}
