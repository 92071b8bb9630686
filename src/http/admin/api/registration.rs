//! Who may register.

use std::sync::Arc;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::operator;
use crate::domain::{RegistrationMode, Timestamp};
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{Request, json_body};
use crate::http::respond::{Response, json};

#[derive(Deserialize)]
struct Switch {
    mode: RegistrationMode,
}

#[derive(Serialize)]
struct State {
    mode: RegistrationMode,
    /// What the configuration says, which holds until the mode is switched.
    configured: RegistrationMode,
    switched_at: Option<Timestamp>,
}

/// The mode that holds now.
pub(super) async fn show(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    state(&app).await
}

/// Switches the mode, for all servers on the database, until it is switched again.
pub(super) async fn switch(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let by = operator(&request);
    let Switch { mode } = json_body(request, "an object with the mode open, invite or closed").await?;
    app.service.switch_registration(mode, by).await?;
    state(&app).await
}

async fn state(app: &App) -> Result<Response, ApiError> {
    let switched = app.service.switched_registration().await?;
    let configured = app.config.registration.mode;
    let (mode, switched_at) = switched.map_or((configured, None), |(mode, at)| (mode, Some(at)));
    Ok(json(StatusCode::OK, &State { mode, configured, switched_at }))
}
