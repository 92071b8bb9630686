//! Connections to PostgreSQL.
//!
//! Whether they are encrypted is the URL's `sslmode`, as for every client of PostgreSQL; a Unix socket never is.

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
/// How long PostgreSQL keeps an idle transaction, as a PostgreSQL interval. Our own transactions never idle. Without
/// this, one whose connection has died unnoticed would keep its locks, and with the row of `store` all writers, until
/// TCP gives up after hours.
const ABANDONED_AFTER: &str = "5s";
/// Longest time for the first connection.
pub(in crate::storage) const FIRST_CONNECT: Duration = Duration::from_secs(10);

/// The pool for one purpose. Readers, writers and the one that clears away have pools of their own: none makes another
/// wait.
pub(in crate::storage) async fn options(
    config: &Config,
    url: &str,
    purpose: Purpose,
) -> Result<ConnectOptions, StorageError> {
    let parsed = parse(url)?;
    if matches!(purpose, Purpose::Migrate | Purpose::Inspect) {
        // A pool retries until its timeout and then tells nothing; one attempt tells what is wrong.
        let attempt = tokio::time::timeout(FIRST_CONNECT, parsed.connect()).await;
        let connection = attempt.map_err(|_| StorageError::TimedOut)?.map_err(unreachable)?;
        connection.close().await.map_err(unreachable)?;
    }
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(match purpose {
            // Migrations, and the lock over them.
            Purpose::Migrate | Purpose::Inspect => 2,
            Purpose::Clean => 1,
            // And the one that writes batches.
            Purpose::Write => config.database.write_connections.saturating_add(1),
            Purpose::Read => config.database.max_connections,
        })
        .test_before_acquire_if_idle_for(TEST_AFTER_IDLE)
        .map_sqlx_postgres_pool_opts(|pool| {
            // At its own level it would be a line for each of those who wait, when the database stands still for a
            // moment.
            pool.acquire_slow_level(LevelFilter::Debug).after_release(|connection, _| Box::pin(answers(connection)))
        });
    if parsed.get_application_name().is_none() {
        options.set_application_name(config.database.application_name.clone());
    }
    if matches!(purpose, Purpose::Write | Purpose::Clean | Purpose::Read) {
        options.statement_timeout(Duration::from_millis(config.database.statement_timeout_ms));
        let is_reader = purpose == Purpose::Read;
        options.map_sqlx_postgres_opts(move |options| {
            // All that serving asks for has an index. A plan made while a table was nearly empty would go through it,
            // and is kept by its connection until the table is analysed, however large it has become.
            let own = [("idle_in_transaction_session_timeout", ABANDONED_AFTER), ("enable_seqscan", "off")];
            let options = options.options(own);
            // Pages are walks along an index that end at their limit. Without statistics, as after the store was
            // filled, PostgreSQL would gather and sort a whole conversation instead: 45 ms of 20,000 messages for a
            // page of 0.6.
            if is_reader { options.options([("enable_bitmapscan", "off")]) } else { options }
        });
    }
    Ok(options)
}

/// An error when nothing comes from a connection that is given back, as after a failover.
///
/// The pool asks, too, but waits for ever: each transaction that was given up would take one place in it, until none is
/// left.
async fn answers(connection: &mut sqlx::PgConnection) -> Result<bool, sqlx::Error> {
    let answer = tokio::time::timeout(RELEASE_TIMEOUT, connection.ping()).await;
    answer.map_err(|_| sqlx::Error::Io(ErrorKind::TimedOut.into()))?.map(|()| true)
}

/// Reads a URL.
pub(in crate::storage) fn parse(url: &str) -> Result<PgConnectOptions, StorageError> {
    // Not with the driver's own text, which repeats the URL and its password.
    PgConnectOptions::from_str(url).map_err(|_| {
        StorageError::Url("it cannot be parsed; write special characters of the password as %XX".to_owned())
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err calls it")]
pub(in crate::storage) fn unreachable(error: sqlx::Error) -> StorageError {
    StorageError::Unreachable(without_source_line(&error))
}
