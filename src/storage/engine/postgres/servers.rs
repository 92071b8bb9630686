//! The name of a database, and whether a server is connected to one on PostgreSQL.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, query_as, query_scalar, raw_sql};
use tokio::time::{Instant, sleep};

use crate::config::{Config, Store};
use crate::storage::StorageError;
use crate::storage::engine::connect::store;
use crate::storage::engine::postgres::connect::{FIRST_CONNECT, parse, unreachable};

/// The default name of a server's connections (`database.application_name`).
const DEFAULT_NAME: &str = "fluent-backend";
/// The name of this check's own connection, so that it is not taken for a server's.
const OWN_NAME: &str = "fluent-backend database";
/// The time for which a process that has just ended may still look connected.
const GONE_WITHIN: Duration = Duration::from_secs(3);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Counts the connections with one of the names in `$1`.
const SERVERS: &str = "SELECT COUNT(*) FROM pg_stat_activity \
     WHERE datname = current_database() AND application_name = ANY($1) AND pid <> pg_backend_pid()";

/// Whether servers note themselves in this schema.
const HAS_NODES: &str = "SELECT to_regclass('nodes') IS NOT NULL";
/// The server that was seen last within 15 seconds, and how many seconds ago.
const SEEN: &str = "SELECT label, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 - seen_at)::bigint / 1000000 \
     FROM nodes WHERE seen_at > EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 - 15000000 \
     ORDER BY seen_at DESC LIMIT 1";

/// Returns the kind of database, and its file or its address; never a user or a password.
pub fn named(config: &Config) -> Result<String, StorageError> {
    Ok(match store(config)? {
        Store::Sqlite(path) => format!("SQLite, {}", path.display()),
        Store::Postgres(url) => {
            let options = parse(&url)?;
            let host = match options.get_socket() {
                Some(directory) => directory.display().to_string(),
                None => format!("{}:{}", options.get_host(), options.get_port()),
            };
            format!("PostgreSQL, {host}/{}", options.get_database().unwrap_or_default())
        }
    })
}

/// Returns the names that a server's connections may have: the configured one, and the default, since the server may
/// have another configuration than this command.
pub(in crate::storage) fn names(config: &Config, options: &PgConnectOptions) -> Vec<String> {
    let named = options.get_application_name().map(str::to_owned);
    [DEFAULT_NAME.to_owned(), config.database.application_name.clone()].into_iter().chain(named).collect()
}

/// Returns whether no connection has one of `names`, waiting up to [`GONE_WITHIN`] for the last of them to end.
pub(in crate::storage) async fn are_gone(connection: &mut PgConnection, names: &[String]) -> Result<bool, sqlx::Error> {
    let give_up = Instant::now() + GONE_WITHIN;
    loop {
        // Within a transaction the view would otherwise stay as it was at the first query.
        raw_sql("SELECT pg_stat_clear_snapshot()").execute(&mut *connection).await?;
        let servers: i64 = query_scalar(SERVERS).bind(names).fetch_one(&mut *connection).await?;
        if servers == 0 || Instant::now() > give_up {
            return Ok(servers == 0);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Returns the name of a server that has used the database within the last 15 seconds and did not stop in order, and
/// how many seconds ago. Perhaps only its own way to the database is interrupted.
pub(in crate::storage) async fn seen(connection: &mut PgConnection) -> Result<Option<(String, i64)>, sqlx::Error> {
    let has_nodes: bool = query_scalar(HAS_NODES).fetch_one(&mut *connection).await?;
    if has_nodes { query_as(SEEN).fetch_optional(connection).await } else { Ok(None) }
}

/// Returns [`StorageError::Connected`] when a server is connected to the database at `url`, and
/// [`StorageError::Seen`] when one was a moment ago.
pub(in crate::storage) async fn refuse(config: &Config, url: &str) -> Result<(), StorageError> {
    let options = parse(url)?;
    let servers = names(config, &options);
    let options = options.application_name(OWN_NAME).disable_statement_logging();
    let connected = tokio::time::timeout(FIRST_CONNECT, options.connect()).await;
    let mut connection = connected.map_err(|_| StorageError::TimedOut)?.map_err(unreachable)?;
    let are_gone = are_gone(&mut connection, &servers).await.map_err(unreachable)?;
    let seen = seen(&mut connection).await.map_err(unreachable)?;
    connection.close().await.map_err(unreachable)?;
    let database = named(config)?;
    match seen {
        _ if !are_gone => Err(StorageError::Connected(database)),
        Some((label, seconds)) => Err(StorageError::Seen { label, database, seconds }),
        None => Ok(()),
    }
}
