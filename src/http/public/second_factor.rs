//! The second factor of the user who asks.

use std::sync::Arc;

use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Access;
use crate::domain::ENROLMENT_S;
use crate::http::app::App;
use crate::http::error::{ApiError, Problem};
use crate::http::extract::{Request, client_address, json_body};
use crate::http::refusals::NotFound;
use crate::http::respond::{Response, json, no_content, secret_json};

#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactor)]
pub(in crate::http) struct FactorBody {
    /// Whether an authenticator app is asked for a code.
    totp: bool,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    enrolled_at: Option<String>,
    /// Recovery codes that were not used.
    recovery_codes_left: i64,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = BeginTotpRequest)]
pub(in crate::http) struct BeginRequest {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EnrolmentAnswer {
    /// 20 bytes in Base32, to type into the authenticator app.
    secret: String,
    /// The same, to show as a QR code.
    #[schema(example = "otpauth://totp/Fluent:alice?secret=…&issuer=Fluent")]
    otpauth_url: String,
    /// Seconds until it must be confirmed.
    #[schema(example = 600)]
    expires_in: i64,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ConfirmTotpRequest)]
pub(in crate::http) struct ConfirmRequest {
    /// Of the authenticator app.
    #[schema(example = "123456")]
    code: String,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RecoveryCodesAnswer {
    /// Ten codes, each good for one use. They are shown this once.
    #[schema(example = json!(["abcde-fgh23"]))]
    recovery_codes: Vec<String>,
}

#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct ProofRequest {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// Of the authenticator app, or a recovery code.
    code: Option<String>,
}

/// Your second factor.
#[utoipa::path(get, path = "/auth/second_factor", operation_id = "get_second_factor", tag = "account", responses(
    (status = 200, description = "Whether it is on", body = FactorBody),
))]
pub(in crate::http) async fn state(app: Arc<App>, access: Access, _: Request) -> Result<Response, ApiError> {
    app.dialects.check(access).await?;
    let state = app.service.factor_state(access.user).await?;
    let body = FactorBody {
        totp: state.enrolled_at.is_some(),
        enrolled_at: state.enrolled_at.map(|at| at.to_string()),
        recovery_codes_left: state.recovery_codes_left,
    };
    Ok(json(StatusCode::OK, &body))
}

/// Get a secret for an authenticator app. It counts when its first code has confirmed it; the next call replaces it.
#[utoipa::path(post, path = "/auth/second_factor/totp", operation_id = "begin_totp", tag = "account", request_body = BeginRequest, responses(
    (status = 200, description = "What to show to the authenticator app", body = EnrolmentAnswer),
    (status = 403, description = "The password is wrong", body = Problem),
    (status = 409, description = "The second factor is on", body = Problem),
))]
pub(in crate::http) async fn begin(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let body: BeginRequest = json_body(request, "an object with the text password").await?;
    app.dialects.check(access).await?;
    let enrolment = app.service.begin_factor(access.user, body.password, address).await?;
    let answer = EnrolmentAnswer { secret: enrolment.secret, otpauth_url: enrolment.url, expires_in: ENROLMENT_S };
    Ok(secret_json(StatusCode::OK, &answer))
}

/// Switch the second factor on with the first code of the app, which is used up.
#[utoipa::path(post, path = "/auth/second_factor/totp/confirm", operation_id = "confirm_totp", tag = "account", request_body = ConfirmRequest,
    responses(
    (status = 200, description = "It is on: the recovery codes", body = RecoveryCodesAnswer),
    (status = 403, description = "The code is wrong", body = Problem),
    NotFound,
    (status = 409, description = "The second factor is on", body = Problem),
))]
pub(in crate::http) async fn confirm(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let body: ConfirmRequest = json_body(request, "an object with the text code").await?;
    app.dialects.check(access).await?;
    let recovery_codes = app.service.confirm_factor(access.user, &body.code, address).await?;
    Ok(secret_json(StatusCode::OK, &RecoveryCodesAnswer { recovery_codes }))
}

/// Replace the recovery codes.
#[utoipa::path(post, path = "/auth/second_factor/recovery_codes", operation_id = "replace_recovery_codes", tag = "account", request_body = ProofRequest,
    responses(
    (status = 200, description = "The former codes are void", body = RecoveryCodesAnswer),
    (status = 403, description = "The password or the code is wrong, or the code is missing (`second_factor_required`)", body = Problem),
    NotFound,
))]
pub(in crate::http) async fn recovery_codes(
    app: Arc<App>,
    access: Access,
    request: Request,
) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let body: ProofRequest = json_body(request, "an object with the texts password and code").await?;
    app.dialects.check(access).await?;
    let proof = (body.password, body.code);
    let recovery_codes = app.service.replace_recovery_codes(access.user, proof, address).await?;
    Ok(secret_json(StatusCode::OK, &RecoveryCodesAnswer { recovery_codes }))
}

/// Switch the second factor off.
#[utoipa::path(delete, path = "/auth/second_factor/totp", operation_id = "remove_totp", tag = "account", request_body = ProofRequest, responses(
    (status = 204, description = "Off"),
    (status = 403, description = "The password or the code is wrong, or the code is missing (`second_factor_required`)", body = Problem),
    NotFound,
))]
pub(in crate::http) async fn remove(app: Arc<App>, access: Access, request: Request) -> Result<Response, ApiError> {
    let address = client_address(&request);
    let body: ProofRequest = json_body(request, "an object with the texts password and code").await?;
    app.dialects.check(access).await?;
    app.service.remove_factor(access.user, (body.password, body.code), address).await?;
    Ok(no_content())
}
