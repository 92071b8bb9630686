//! What a test server keeps: its directory, and where it was asked for a database on PostgreSQL.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::TestDatabase;
use crate::config::Config;

/// The name of the variable that says on which store the tests run.
const STORE: &str = "FLUENT_TEST_STORE";

/// A data directory and a database of a test's own, both gone with this value.
pub struct TestData {
    database: Option<TestDatabase>,
    dir: TempDir,
}

impl TestData {
    /// On the store that the environment names: `FLUENT_TEST_STORE` is `sqlite` (the default) or `postgres`; see
    /// [`TestDatabase`] for where the latter is.
    pub async fn new() -> Arc<Self> {
        let store = std::env::var(STORE).unwrap_or_default();
        match store.as_str() {
            "" | "sqlite" => Self::sqlite(),
            "postgres" => {
                let database = TestDatabase::create().await;
                let database = database.unwrap_or_else(|error| panic!("{STORE}={store}, but: {error}"));
                Self::with(Some(database))
            }
            _ => panic!("{STORE} is `sqlite` or `postgres`, not {store:?}"),
        }
    }

    /// In a SQLite file, whatever the environment says: for tests that are about files.
    #[must_use]
    pub fn sqlite() -> Arc<Self> {
        Self::with(None)
    }

    /// On PostgreSQL, whatever the environment says: for tests that are about what only it can do.
    #[must_use]
    pub fn postgres(database: TestDatabase) -> Arc<Self> {
        Self::with(Some(database))
    }

    fn with(database: Option<TestDatabase>) -> Arc<Self> {
        Arc::new(Self { database, dir: tempfile::tempdir().expect("a temporary directory") })
    }

    /// A directory of the test's own; the data directory is in it.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The URL of the database on PostgreSQL; empty for the SQLite file that a server makes in its data directory.
    #[must_use]
    pub fn url(&self) -> &str {
        self.database.as_ref().map_or("", TestDatabase::url)
    }

    /// Whether the data is in a SQLite file.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.database.is_none()
    }

    /// The data directory and the database of a server.
    pub fn configure(&self, config: &mut Config) {
        config.server.data_dir = self.dir.path().join("data");
        config.database.url = self.url().into();
    }
}
