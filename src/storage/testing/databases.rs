//! Databases that tests make on a PostgreSQL server and drop again.

use sea_orm::{DatabaseBackend, Statement};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::engine::connect;
use crate::storage::engine::postgres::connect::{parse, unreachable};
use crate::storage::engine::purpose::Purpose;
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::migrate;

/// Makes a database, as a copy of `template` if given, to which nothing may be connected.
pub async fn create_database(server: &str, name: &str, template: Option<&str>) -> Result<(), StorageError> {
    let copied = template.map(|template| format!(" TEMPLATE {}", quoted(template))).unwrap_or_default();
    execute(server, &format!("CREATE DATABASE {}{copied}", quoted(name))).await
}

/// Drops a database, and closes all connections to it.
pub async fn drop_database(server: &str, name: &str) -> Result<(), StorageError> {
    execute(server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).await
}

/// Runs statements on a connection of their own.
pub async fn execute(url: &str, sql: &str) -> Result<(), StorageError> {
    let mut connection = parse(url)?.connect().await.map_err(unreachable)?;
    connection.execute(AssertSqlSafe(sql.to_owned())).await.map_err(unreachable)?;
    connection.close().await.map_err(unreachable)
}

/// Brings the schema up to date, and leaves everything else to the opening of the store: copies of this database are
/// stores with histories of their own.
pub async fn migrate_only(config: &Config) -> Result<(), StorageError> {
    let db = connect::open(config, Purpose::Migrate).await?;
    let migrated = Box::pin(migrate::up(&db)).await;
    db.close().await?;
    migrated
}

/// Returns how long PostgreSQL keeps an idle transaction of each kind of connection.
pub async fn idle_limits(config: &Config) -> Result<Vec<String>, StorageError> {
    let mut limits = Vec::new();
    for purpose in [Purpose::Migrate, Purpose::Inspect, Purpose::Write, Purpose::Clean, Purpose::Journal, Purpose::Read]
    {
        let db = connect::open(config, purpose).await?;
        let sql = "SELECT current_setting('idle_in_transaction_session_timeout')";
        let row = db.query_one(Statement::from_string(DatabaseBackend::Postgres, sql)).await?;
        limits.push(row.map_or(Ok(String::new()), |row| row.get(0))?);
        db.close().await?;
    }
    Ok(limits)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
