//! Invites: who may register while not everybody may.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{MAX_PAGE, PAGE, operator};
use crate::domain::{Invite, InviteId, InviteState, NewInvite, Timestamp, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body, limit, number, path_id, query};
use crate::http::respond::{Response, json, no_content, secret_json};

/// Seconds until an invite expires when the request does not say: a week.
const EXPIRES_IN_S: i64 = 7 * 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    #[serde(default = "one")]
    uses: i32,
    #[serde(default = "a_week")]
    expires_in_s: i64,
    #[serde(default)]
    bound_to: Option<String>,
    #[serde(default)]
    note: String,
}

fn one() -> i32 {
    1
}

fn a_week() -> i64 {
    EXPIRES_IN_S
}

#[derive(Deserialize)]
struct Page {
    before: Option<String>,
    limit: Option<String>,
}

/// An invite as operators see it.
#[derive(Serialize)]
struct Shown {
    id: InviteId,
    /// Only in the answer to the request that has made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    code_begins: String,
    state: InviteState,
    uses: i32,
    uses_left: i32,
    bound_to: Option<String>,
    note: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
    used_by: Option<UserId>,
}

impl Shown {
    fn of(invite: Invite, code: Option<String>, now: Timestamp) -> Self {
        Self {
            state: invite.state(now),
            id: invite.id,
            code,
            code_begins: invite.code_begins,
            uses: invite.uses,
            uses_left: invite.uses_left,
            bound_to: invite.bound_to,
            note: invite.note,
            created_at: invite.created_at,
            expires_at: invite.expires_at,
            revoked_at: invite.revoked_at,
            used_at: invite.used_at,
            used_by: invite.used_by,
        }
    }
}

#[derive(Serialize)]
struct List {
    invites: Vec<Shown>,
}

/// Invites, newest first; `before` is the last id of the page before.
pub(super) async fn list(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let page: Page = query(&request)?;
    let before = number("before", page.before.as_deref())?.map(InviteId);
    let limit = limit(page.limit.as_deref(), PAGE, MAX_PAGE)?;
    let (found, now) = (app.service.invites(before, limit).await?, app.clock.now());
    let invites = found.into_iter().map(|invite| Shown::of(invite, None, now)).collect();
    Ok(json(StatusCode::OK, &List { invites }))
}

/// Makes an invite. Its code is shown in this answer alone.
pub(super) async fn create(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let expected = "an object with perhaps uses, expires_in_s, bound_to and note";
    let Create { uses, expires_in_s, bound_to, note } = json_body(request, expected).await?;
    let new = NewInvite::new(uses, expires_in_s, bound_to, note)?;
    let (invite, code) = app.service.create_invite(new, by).await?;
    let now = app.clock.now();
    Ok(secret_json(StatusCode::CREATED, &Shown::of(invite, Some(code.text()), now)))
}

/// Revokes an invite, so that nobody can use it any more.
pub(super) async fn revoke(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    app.service.revoke_invite(path_id(&request)?, by).await?;
    Ok(no_content())
}
