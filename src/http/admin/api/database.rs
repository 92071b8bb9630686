//! The database, as operators see it: its tables, and statements that take long.

use std::sync::Arc;

use http::StatusCode;
use serde::Serialize;

use crate::domain::Timestamp;
use crate::http::app::App;
use crate::http::error::ApiError;
use crate::http::extract::Request;
use crate::http::respond::{Response, json};
use crate::storage;

/// A table as operators see it.
#[derive(Serialize)]
struct Shown {
    table: String,
    /// `None` where PostgreSQL has no estimate yet.
    rows: Option<u64>,
    rows_exact: bool,
    /// With those of its indexes.
    bytes: u64,
    bytes_exact: bool,
    /// For how long it keeps its rows; `None` for a table of a newer version.
    keeps: Option<String>,
    oldest_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct List {
    kind: &'static str,
    tables: Vec<Shown>,
}

/// All tables, the largest first, with how large they are.
pub(super) async fn tables(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    let figures = app.storage.table_figures().await?;
    let shown = |figures: storage::TableFigures| Shown {
        keeps: storage::kept(&figures.table, &app.config),
        table: figures.table,
        rows: figures.rows,
        rows_exact: figures.rows_exact,
        bytes: figures.bytes,
        bytes_exact: figures.bytes_exact,
        oldest_at: figures.oldest,
    };
    let tables = figures.into_iter().map(shown).collect();
    Ok(json(StatusCode::OK, &List { kind: app.storage.engine(), tables }))
}

/// The statements of the last hour that took long on this server, without their values.
pub(super) async fn slow(app: Arc<App>, _: Request) -> Result<Response, ApiError> {
    Ok(json(StatusCode::OK, &app.monitor.slow_statements()))
}
