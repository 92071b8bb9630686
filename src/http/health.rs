//! Liveness and readiness of the server.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};
use crate::http::words::one_of;
use crate::service::{self, Check};

/// Words for how batches of other servers come.
const RELAYS: [&str; 2] = ["nats", "polling"];

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RootAnswer {
    #[schema(example = "Backend is online")]
    message: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "a list of independent checks")]
pub(in crate::http) struct Readiness {
    /// All of the below, and the server is not going down.
    ready: bool,
    /// The database answers, and what was written last could be. Its migrations are done, or the server would not run.
    database: bool,
    /// The registry and the writer run, and on PostgreSQL the relay, and none of them stands still.
    actors: bool,
    /// A newcomer would get a place, that of an idle stranger if need be.
    connections: bool,
    /// The server is going down.
    draining: bool,
    /// The server sends its clients away: its database is out of reach for it, and not for others. With NATS.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fenced: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = relay, required = false)]
    relay: Option<&'static str>,
    /// What was checked, each with the reason why the server cannot be used; then what is worth a warning.
    checks: Vec<Check>,
}

fn relay() -> Object {
    let about = "How batches of other servers come, on PostgreSQL: by `nats`, or by `polling` the database. Readiness \
        does not depend on it.";
    one_of(about, RELAYS)
}

/// The original server's greeting.
#[utoipa::path(get, path = "/root", operation_id = "get_greeting", tag = "health", responses(
    (status = 200, description = "The greeting", body = RootAnswer),
))]
pub(in crate::http) async fn root(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &RootAnswer { message: "Backend is online" }))
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "check_liveness", tag = "health", responses(
    (status = 200, description = "It answers", body = Alive),
))]
pub(in crate::http) async fn healthz(_: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &Alive { status: "ok" }))
}

/// The server can be used: database, actors, room on the disk, a place for newcomers, not going down.
#[utoipa::path(get, path = "/readyz", operation_id = "check_readiness", tag = "health", responses(
    (status = 200, description = "It can be used", body = Readiness),
    (status = 503, description = "It cannot be used now", body = Readiness),
))]
pub(in crate::http) async fn readyz(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let service::Readiness { checks, database, actors, machine } = app.monitor.readiness().await;
    let draining = app.health.is_draining();
    let fenced = app.health.gate().is_fenced();
    let connections = !app.places.is_full();
    let [nats, polling] = RELAYS;
    let how = if app.health.relay_is_up() { nats } else { polling };
    let relay = app.storage.has_journal().then_some(how);
    let ready = database && actors && machine && connections && !draining && !fenced;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(json(status, &Readiness { ready, database, actors, connections, draining, fenced, relay, checks }))
}
