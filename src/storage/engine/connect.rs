//! Connections and their settings.

use std::time::Duration;

use log::LevelFilter;
use sea_orm::{Database, DatabaseConnection};

use crate::config::{Config, Store};
use crate::storage::StorageError;
use crate::storage::engine::purpose::Purpose;
use crate::storage::engine::{postgres, sqlite};

/// Returns the configured database.
pub(in crate::storage) fn store(config: &Config) -> Result<Store, StorageError> {
    config.store().map_err(|error| StorageError::Url(error.to_string()))
}

/// Opens connections for one purpose.
pub(in crate::storage) async fn open(config: &Config, purpose: Purpose) -> Result<DatabaseConnection, StorageError> {
    let store = store(config)?;
    let mut options = match &store {
        Store::Sqlite(path) => sqlite::connect::options(config, path, purpose)?,
        Store::Postgres(url) => postgres::connect::options(config, url, purpose).await?,
    };
    options
        .acquire_timeout(Duration::from_millis(config.database.acquire_timeout_ms))
        .sqlx_logging_level(LevelFilter::Off)
        // Logged by the store itself, with the request that made it.
        .sqlx_slow_statements_logging_settings(LevelFilter::Off, Duration::MAX)
        .record_stmt_in_spans(false);
    Database::connect(options).await.map_err(StorageError::Database)
}

#[cfg(test)]
mod tests;
