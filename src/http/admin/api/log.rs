//! The log: its filter, and its last warnings and errors.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{MAX_PAGE, PAGE, operator};
use crate::domain::Timestamp;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body, limit, number, query};
use crate::http::respond::{Response, json};
use crate::service::LogState;
use crate::telemetry::{LogLine, newest_log_lines};

/// For how long a filter holds when the request does not say.
const SWITCH_S: u32 = 600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    filter: Option<String>,
    #[serde(default)]
    for_s: Option<u32>,
}

#[derive(Deserialize)]
struct Wanted {
    before: Option<String>,
    limit: Option<String>,
    level: Option<String>,
}

#[derive(Serialize)]
struct State {
    filter: String,
    configured: String,
    switched_at: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl From<LogState> for State {
    fn from(state: LogState) -> Self {
        Self {
            filter: state.filter().to_owned(),
            until: state.until(),
            switched_at: state.switched.as_ref().map(|switched| switched.at),
            configured: state.configured,
        }
    }
}

#[derive(Serialize)]
struct List {
    lines: Vec<LogLine>,
}

/// The filter that holds now.
pub(super) async fn show(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &State::from(app.service.log_state()?)))
}

/// Switches the filter for a time, after which it goes back by itself; `null` goes back at once.
pub(super) async fn switch(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let expected = "an object with filter, a text or null, and perhaps for_s";
    let Switch { filter, for_s } = json_body(request, expected).await?;
    let state = app.service.switch_log(filter, for_s.unwrap_or(SWITCH_S), by).await?;
    Ok(json(StatusCode::OK, &State::from(state)))
}

/// The last warnings and errors of this process, newest first.
pub(super) async fn lines(_: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let wanted: Wanted = query(&request)?;
    let only_errors = match wanted.level.as_deref() {
        None | Some("warn") => false,
        Some("error") => true,
        Some(_) => return Err(ApiError::Invalid("level must be warn or error".to_owned())),
    };
    let before = number("before", wanted.before.as_deref())?;
    let limit = limit(wanted.limit.as_deref(), PAGE, MAX_PAGE)?;
    let lines = newest_log_lines(before, only_errors, usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(json(StatusCode::OK, &List { lines }))
}
