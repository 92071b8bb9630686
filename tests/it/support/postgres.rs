//! A PostgreSQL server for one test that stops or kills it, or needs other settings. Other tests take a database of the
//! server that all tests share, by [`database`].

use super::skip::skip;
use fluent_backend::testing::{PostgresError, PostgresSettings, TestDatabase};

/// A throw-away server that is reached by a Unix socket and gone with this value.
pub(crate) struct Postgres(fluent_backend::testing::Postgres);

impl Postgres {
    /// Starts a server. Without the binaries the test is skipped, and in CI fails.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(PostgresSettings::default()).await
    }

    /// As [`start`](Self::start), with other settings.
    pub(crate) async fn start_with(settings: PostgresSettings) -> Option<Self> {
        installed(fluent_backend::testing::Postgres::start_with(settings).await).map(Self)
    }

    /// Stops it at once, as a crash would.
    pub(crate) fn crash(&mut self) {
        self.0.crash().unwrap();
    }

    /// Starts it again after a crash.
    pub(crate) async fn restart(&mut self) {
        self.0.restart().await.unwrap();
    }

    /// A standby that follows it.
    pub(crate) async fn standby(&self) -> Self {
        Self(self.0.standby().await.unwrap())
    }

    /// Makes a standby receive nothing more.
    pub(crate) async fn fall_behind(&self) {
        self.0.fall_behind().await.unwrap();
    }

    /// Makes a standby the primary.
    pub(crate) async fn promote(&self) {
        self.0.promote().await.unwrap();
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        self.0.log().unwrap()
    }

    /// Its Unix socket.
    pub(crate) fn socket(&self) -> std::path::PathBuf {
        self.0.socket()
    }

    /// The URL of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        self.0.url(database)
    }
}

/// An empty database of the server that all tests share. Without PostgreSQL the test is skipped, and in CI fails.
pub(crate) async fn database() -> Option<TestDatabase> {
    installed(TestDatabase::create_empty().await)
}

fn installed<T>(started: Result<T, PostgresError>) -> Option<T> {
    match started {
        Err(error @ PostgresError::NotInstalled) => {
            skip(&error.to_string());
            None
        }
        other => Some(other.unwrap()),
    }
}

/// Counts the sessions of the database that wait for a lock.
pub(crate) const WAITING: &str =
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
