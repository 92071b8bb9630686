//! Limits of single users.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::operator;
use crate::domain::{LimitRule, Limiter, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{JsonObject, Request, json_body, path_id};
use crate::http::respond::{Response, json};

/// The numbers of a bucket, as operators write and read them.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbers {
    /// Tokens of a full bucket; bytes and KiB count as tokens. 0: no limit.
    burst: u32,
    /// Milliseconds until one token is back, with three decimals.
    every_ms: f64,
}

impl From<LimitRule> for Numbers {
    fn from(rule: LimitRule) -> Self {
        Self { burst: rule.burst, every_ms: rule.every.as_secs_f64() * 1000.0 }
    }
}

impl Numbers {
    fn rule(self) -> Result<LimitRule, ApiError> {
        let every = Duration::try_from_secs_f64(self.every_ms / 1000.0)
            .map_err(|_| ApiError::Invalid("every_ms must not be negative".to_owned()))?;
        Ok(LimitRule { burst: self.burst, every, fail_open: true })
    }
}

/// The limits that are set for one user.
pub(super) async fn of_user(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    shown(&app, path_id(&request)?).await
}

/// Sets limits of one user; `null` removes one.
pub(super) async fn set(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (by, user) = (operator(&request), path_id(&request)?);
    let expected = "an object of limiters, each with burst and every_ms, or null";
    let changes: BTreeMap<String, Option<JsonObject<Numbers>>> = json_body(request, expected).await?;
    let change = |(name, numbers): (String, Option<JsonObject<Numbers>>)| {
        let limiter = Limiter::named(&name).ok_or_else(|| ApiError::Invalid(format!("there is no limiter {name}")))?;
        Ok((limiter, numbers.map(|JsonObject(numbers)| numbers.rule()).transpose()?))
    };
    let changes: Result<Vec<_>, ApiError> = changes.into_iter().map(change).collect();
    app.service.set_user_limits(user, &changes?, by).await?;
    shown(&app, user).await
}

async fn shown(app: &App, user: UserId) -> Result<Response, ApiError> {
    let limits = app.service.user_limits(user).await?;
    let limits: BTreeMap<&str, Numbers> =
        limits.into_iter().map(|(limiter, rule)| (limiter.name(), rule.into())).collect();
    Ok(json(StatusCode::OK, &limits))
}
