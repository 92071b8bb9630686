//! Waking devices: the state of the providers, and what has become of the wake-ups for a message.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use super::operator;
use crate::domain::{DeviceId, MessageId, PushAttempt, UserId};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, path_id, path_parameter};
use crate::http::respond::{Response, json};
use crate::service::{TracedTarget, attempt_in_words};

#[derive(Serialize)]
struct Attempt {
    device_id: String,
    at: String,
    from_seq: i64,
    to_seq: i64,
    provider: &'static str,
    outcome: &'static str,
    status: Option<u16>,
    reason: Option<String>,
    provider_id: Option<String>,
    took_ms: i64,
    words: String,
}

#[derive(Serialize)]
struct Target {
    device_id: String,
    provider: &'static str,
    state: &'static str,
    attempts: Vec<Attempt>,
    words: Vec<String>,
}

#[derive(Serialize)]
struct Trace {
    message_id: i64,
    targets: Vec<Target>,
    /// Requests for devices that are not registered any more.
    deleted: Vec<Attempt>,
}

#[derive(Serialize)]
struct Shown {
    provider: &'static str,
    configured: bool,
    state: &'static str,
    why: Option<String>,
    until: Option<String>,
    open_origins: usize,
    active: i64,
    suspended: i64,
    owed: i64,
}

#[derive(Serialize)]
struct Status {
    enabled: bool,
    owed: i64,
    oldest_owed_at: Option<String>,
    providers: Vec<Shown>,
}

#[derive(Serialize)]
struct Tested {
    outcome: &'static str,
    provider_status: Option<u16>,
    reason: Option<String>,
    took_ms: u64,
}

/// Wakes a device now, and tells what the provider has said.
pub(super) async fn test(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let unknown = || ApiError::NotFound("this device is not registered");
    let user = path_parameter(&request, "user").and_then(|text| text.parse().ok()).map(UserId).ok_or_else(unknown)?;
    let device = path_parameter(&request, "device").and_then(DeviceId::parse).ok_or_else(unknown)?;
    let sent = app.service.test_target_of(user, &device, operator(&request)).await?;
    let took_ms = u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX);
    let tested = Tested { outcome: sent.outcome.as_str(), provider_status: sent.status, reason: sent.reason, took_ms };
    Ok(json(StatusCode::OK, &tested))
}

/// What has become of the wake-ups for a message.
pub(super) async fn trace(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let id: MessageId = path_id(&request)?;
    let traced = app.service.trace_push(id).await?;
    let targets = traced.targets.into_iter().map(target).collect();
    let deleted = traced.deleted.into_iter().map(attempt).collect();
    Ok(json(StatusCode::OK, &Trace { message_id: id.0, targets, deleted }))
}

/// The state of the providers, and how many devices are owed a wake-up.
pub(super) async fn status(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let status = app.service.push_status().await?;
    let providers = status.providers.iter().map(|provider| {
        let (active, suspended, owed) = status.of(provider.provider);
        Shown {
            provider: provider.provider.as_str(),
            configured: provider.is_configured,
            state: provider.state.as_str(),
            why: provider.why.clone(),
            until: provider.until.map(|until| until.to_string()),
            open_origins: provider.open_origins,
            active,
            suspended,
            owed,
        }
    });
    let shown = Status {
        enabled: status.is_enabled,
        owed: status.counts.iter().map(|count| count.owed).sum(),
        oldest_owed_at: status.oldest().map(|at| at.to_string()),
        providers: providers.collect(),
    };
    Ok(json(StatusCode::OK, &shown))
}

fn target(traced: TracedTarget) -> Target {
    let TracedTarget { target, attempts, words } = traced;
    Target {
        device_id: target.device.as_str().to_owned(),
        provider: target.provider.as_str(),
        state: if target.outbox.is_suspended { "suspended" } else { "active" },
        attempts: attempts.into_iter().map(attempt).collect(),
        words,
    }
}

fn attempt(attempt: PushAttempt) -> Attempt {
    Attempt {
        words: attempt_in_words(&attempt),
        device_id: attempt.device.as_str().to_owned(),
        at: attempt.at.to_string(),
        from_seq: attempt.from.0,
        to_seq: attempt.to.0,
        provider: attempt.provider.as_str(),
        outcome: attempt.outcome.as_str(),
        status: attempt.status,
        reason: attempt.reason,
        provider_id: attempt.provider_id,
        took_ms: attempt.took_ms,
    }
}
