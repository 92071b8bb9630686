//! The name of a database, and whether a server is connected to one on PostgreSQL.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgConnection};
use sea_orm::sqlx::{ConnectOptions as _, Connection as _, query_scalar, raw_sql};
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

/// Returns [`StorageError::Connected`] when a server is connected to the database at `url`.
pub(in crate::storage) async fn refuse(config: &Config, url: &str) -> Result<(), StorageError> {
    let options = parse(url)?;
    let servers = names(config, &options);
    let options = options.application_name(OWN_NAME).disable_statement_logging();
    let connected = tokio::time::timeout(FIRST_CONNECT, options.connect()).await;
    let mut connection = connected.map_err(|_| StorageError::TimedOut)?.map_err(unreachable)?;
    let are_gone = are_gone(&mut connection, &servers).await.map_err(unreachable)?;
    connection.close().await.map_err(unreachable)?;
    if are_gone { Ok(()) } else { Err(StorageError::Connected(named(config)?)) }
}
