//! Connections to PostgreSQL.
//!
//! The URL's `sslmode` decides whether they are encrypted, as for every client of PostgreSQL; a Unix socket never is.

use std::io::ErrorKind;
use std::str::FromStr as _;
use std::time::Duration;

use log::LevelFilter;
use sea_orm::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::engine::error::without_source_line;
use crate::storage::engine::purpose::Purpose;

/// A connection that idled this long is tested before use.
pub(in crate::storage) const TEST_AFTER_IDLE: Duration = Duration::from_secs(30);
/// Longest wait for the ping of a connection that is released to the pool.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long PostgreSQL keeps an idle transaction, as a PostgreSQL interval. Our own never idle, but for the one that
/// holds the lock over migrations and that of a copy, which say so. Without this, a transaction whose connection has
/// died unnoticed would keep its locks, and by the row of `store` block all writers, until TCP gives up after hours.
const ABANDONED_AFTER: &str = "2s";
/// Longest time for the first connection.
pub(in crate::storage) const FIRST_CONNECT: Duration = Duration::from_secs(10);

/// Returns the options of the pool for one purpose. Reads, writes and retention have pools of their own, so that none
/// makes another wait.
pub(in crate::storage) async fn options(
    config: &Config,
    url: &str,
    purpose: Purpose,
) -> Result<ConnectOptions, StorageError> {
    let parsed = parse(url)?;
    if matches!(purpose, Purpose::Migrate | Purpose::Inspect) {
        // A pool retries until its timeout and then gives no cause; a single attempt gives one.
        let attempt = tokio::time::timeout(FIRST_CONNECT, parsed.connect()).await;
        let connection = attempt.map_err(|_| StorageError::TimedOut)?.map_err(unreachable)?;
        connection.close().await.map_err(unreachable)?;
    }
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(match purpose {
            // One for the migrations, one for the lock over them.
            Purpose::Migrate | Purpose::Inspect => 2,
            Purpose::Clean | Purpose::Journal | Purpose::Note => 1,
            // One more for the connection that writes batches.
            Purpose::Write => config.database.write_connections.saturating_add(1),
            Purpose::Read => config.database.max_connections,
        })
        .test_before_acquire_if_idle_for(TEST_AFTER_IDLE)
        .map_sqlx_postgres_pool_opts(|pool| {
            // At its default level, each waiting request would log a line whenever the database stalls for a moment.
            pool.acquire_slow_level(LevelFilter::Debug).after_release(|connection, _| Box::pin(answers(connection)))
        });
    if parsed.get_application_name().is_none() {
        options.set_application_name(config.database.application_name.clone());
    }
    let is_server = !matches!(purpose, Purpose::Migrate | Purpose::Inspect);
    if is_server {
        options.statement_timeout(Duration::from_millis(config.database.statement_timeout_ms));
    }
    let is_reader = purpose == Purpose::Read;
    options.map_sqlx_postgres_opts(move |options| {
        let options = options.options([("idle_in_transaction_session_timeout", ABANDONED_AFTER)]);
        if !is_server {
            return options;
        }
        // Every query of the server has an index. A plan made while a table was nearly empty would scan the table, and
        // its connection keeps that plan until the table is analysed, however large it has become.
        // A scan of a table of few rows, such as the servers, then counts as so expensive that PostgreSQL would compile
        // it each time: 200 ms instead of 0.1.
        let options = options.options([("enable_seqscan", "off"), ("jit", "off")]);
        // A page is a range of an index that ends at its limit. Without statistics, as after the store was filled,
        // PostgreSQL would fetch and sort a whole conversation instead: for 20,000 messages 45 ms instead of 0.6.
        if is_reader { options.options([("enable_bitmapscan", "off")]) } else { options }
    });
    Ok(options)
}

/// Returns an error when a connection that is released to the pool does not respond, as after a failover.
///
/// The pool's own ping has no timeout: each abandoned transaction would occupy one place in the pool, until none is
/// left.
async fn answers(connection: &mut sqlx::PgConnection) -> Result<bool, sqlx::Error> {
    let answer = tokio::time::timeout(RELEASE_TIMEOUT, connection.ping()).await;
    answer.map_err(|_| sqlx::Error::Io(ErrorKind::TimedOut.into()))?.map(|()| true)
}

/// Parses a URL.
pub(in crate::storage) fn parse(url: &str) -> Result<PgConnectOptions, StorageError> {
    // The driver's own text is not used: it repeats the URL with its password.
    PgConnectOptions::from_str(url).map_err(|_| {
        StorageError::Url("it cannot be parsed; write special characters of the password as %XX".to_owned())
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err calls it")]
pub(in crate::storage) fn unreachable(error: sqlx::Error) -> StorageError {
    StorageError::Unreachable(without_source_line(&error))
}
