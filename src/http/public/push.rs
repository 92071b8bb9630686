//! Devices that are woken: their registration.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::push_address::{TargetRequest, address};
use crate::auth::Access;
use crate::domain::{DeviceId, Limiter, TargetState};
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Request, json_body, path_parameter};
use crate::http::respond::{Response, json, no_content};
use crate::push::Offers;

#[derive(Serialize, ToSchema)]
#[schema(as = RegisteredDevice)]
pub(in crate::http) struct RegisteredBody {
    device_id: String,
    /// `fcm`, `apns` or `webpush`.
    provider: &'static str,
    /// `active`.
    state: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = WokenDevice)]
pub(in crate::http) struct TargetBody {
    device_id: String,
    /// `fcm`, `apns` or `webpush`.
    provider: &'static str,
    /// `active`, or `suspended`: the provider has refused this device, which is tried seldom until it registers again.
    state: &'static str,
    /// Why the provider refused the last wake-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_wake_at: Option<String>,
    /// `accepted`, `dead`, `config`, `retry` or `gave_up`.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_wake_outcome: Option<&'static str>,
    /// When the device was here last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_seen_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeviceTest)]
pub(in crate::http) struct TestAnswer {
    /// `accepted`, `dead`, `config`, `retry` or `gave_up`.
    #[schema(example = "accepted")]
    outcome: &'static str,
    /// The status of the provider's answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 201)]
    provider_status: Option<u16>,
    took_ms: u64,
}

/// What an app needs to register with a provider; one that is not configured is absent.
#[utoipa::path(get, path = "/push/config", operation_id = "get_push_config", tag = "push", responses(
    (status = 200, description = "What the server offers", body = Offers),
))]
pub(in crate::http) async fn config(app: Arc<App>, _: Access, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &app.service.push_offers()))
}

/// Register a device to be woken, or replace its address. It ends with this login session.
///
/// Apps do so at every start: it also makes a suspended device active again.
#[utoipa::path(put, path = "/push/targets/{device_id}", operation_id = "register_device", tag = "push",
    request_body = TargetRequest,
    params(("device_id" = String, Path, description = "What the device calls itself, as for its socket")), responses(
    (status = 201, description = "A new device", body = RegisteredBody),
    (status = 200, description = "Its address is replaced", body = RegisteredBody),
    (status = 403, description = "The session has just ended", body = Problem),
))]
pub(in crate::http) async fn register(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let device = device(&request)?;
    let expected = "an object with provider, and what that provider needs";
    let body: TargetRequest = json_body(request, expected).await?;
    let address = address(body)?;
    let provider = address.provider().as_str();
    app.limiters.take(Limiter::PushRegister, access.user)?;
    let registered = app.service.register_target(access, device.clone(), address).await?;
    let status = if registered.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let device_id = device.as_str().to_owned();
    let body = RegisteredBody { device_id, provider, state: "active", created_at: registered.at.to_string() };
    Ok(json(status, &body))
}

/// The user's devices that are registered to be woken.
#[utoipa::path(get, path = "/push/targets", operation_id = "list_devices", tag = "push", responses(
    (status = 200, description = "Those that registered first before the others", body = Vec<TargetBody>),
))]
pub(in crate::http) async fn list(app: Arc<App>, access: Access, _: Request) -> Result<Response, ApiError> {
    let targets = app.service.push_targets(access.user).await?;
    Ok(json(StatusCode::OK, &targets.into_iter().map(shown).collect::<Vec<_>>()))
}

/// Wake a device no more.
#[utoipa::path(delete, path = "/push/targets/{device_id}", operation_id = "remove_device", tag = "push",
    params(("device_id" = String, Path, description = "What the device calls itself")), responses(
    (status = 204, description = "It is not registered, or no longer"),
))]
pub(in crate::http) async fn remove(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    app.service.remove_target(access.user, device(&request)?).await?;
    Ok(no_content())
}

/// Wake a device now, and tell what the provider has said.
#[utoipa::path(post, path = "/push/targets/{device_id}/test", operation_id = "test_device", tag = "push",
    params(("device_id" = String, Path, description = "What the device calls itself")), responses(
    (status = 200, description = "The provider's answer", body = TestAnswer),
    (status = 404, description = "The device is not registered", body = Problem),
))]
pub(in crate::http) async fn test(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let device = device(&request)?;
    app.limiters.take(Limiter::PushTest, access.user)?;
    let sent = app.service.test_target(access.user, &device).await?;
    let took_ms = u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX);
    let answer = TestAnswer { outcome: sent.outcome.as_str(), provider_status: sent.status, took_ms };
    Ok(json(StatusCode::OK, &answer))
}

fn device(request: &Request) -> Result<DeviceId, ApiError> {
    let wrong = || ApiError::Invalid("device_id must match [A-Za-z0-9_-]{1,64}".to_owned());
    path_parameter(request, "device_id").and_then(DeviceId::parse).ok_or_else(wrong)
}

fn shown(target: TargetState) -> TargetBody {
    TargetBody {
        device_id: target.device.as_str().to_owned(),
        provider: target.provider.as_str(),
        state: if target.outbox.is_suspended { "suspended" } else { "active" },
        reason: target.reason,
        created_at: target.created_at.to_string(),
        last_wake_at: target.last.map(|(at, _)| at.to_string()),
        last_wake_outcome: target.last.map(|(_, outcome)| outcome.as_str()),
        last_seen_at: target.seen_at.map(|at| at.to_string()),
    }
}
