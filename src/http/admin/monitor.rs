//! What the server does just now: at a glance, its actors, and its sockets.

use std::sync::Arc;

use http::StatusCode;

use super::api::operator;
use crate::domain::SocketId;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::{PathId, Request, path_id};
use crate::http::respond::{Response, json, no_content};

impl PathId for SocketId {
    const UNKNOWN: &'static str = "there is no such open socket";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// The server at a glance.
pub(super) async fn overview(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &Box::pin(app.monitor.overview()).await))
}

/// The open sockets: their sums, and those that stand out. It names no user.
pub(super) async fn sockets(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &app.monitor.socket_list()))
}

/// Closes one socket, so that its client opens another one.
pub(super) async fn close_socket(app: Arc<App>, request: Request) -> Result<Response, ApiError> {
    let (id, by) = (path_id::<SocketId>(&request)?, operator(&request));
    let user = app.sockets.close(id).ok_or(ApiError::NotFound(SocketId::UNKNOWN))?;
    app.service.note_closed_socket(id, user, by).await?;
    Ok(no_content())
}

/// The supervision tree: each kind of actor with its state. It names no user.
pub(in crate::http) async fn actors(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &app.monitor.actors(false)))
}
