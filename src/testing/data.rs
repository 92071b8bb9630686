//! The data of a test server: its directory, and its database if that is on PostgreSQL.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;

use super::TestDatabase;
use crate::config::Config;

/// The environment variable that selects the engine for tests.
const STORE: &str = "FLUENT_TEST_STORE";

/// The environment variable that says how many servers share the data; by default one.
const NODES: &str = "FLUENT_TEST_NODES";

/// A data directory and a database of one test. Both are removed on drop.
pub struct TestData {
    database: Option<TestDatabase>,
    /// Servers that [`TestServer`](super::TestServer) starts on it.
    nodes: usize,
    dir: TempDir,
}

impl TestData {
    /// Makes data on the engine that `FLUENT_TEST_STORE` names: `sqlite` (the default) or `postgres`. See
    /// [`TestDatabase`] for the server of the latter. On PostgreSQL, `FLUENT_TEST_NODES` servers share it.
    pub async fn new() -> Arc<Self> {
        Self::for_nodes(nodes()).await
    }

    /// Makes data as [`new`](Self::new) does for one server, whatever the environment says of their number: for tests
    /// of what each server keeps or does for itself.
    pub async fn of_one() -> Arc<Self> {
        Self::for_nodes(1).await
    }

    async fn for_nodes(nodes: usize) -> Arc<Self> {
        let store = std::env::var(STORE).unwrap_or_default();
        match store.as_str() {
            "" | "sqlite" => {
                assert_eq!(nodes, 1, "{NODES} needs {STORE}=postgres");
                Self::sqlite()
            }
            "postgres" => {
                let database = TestDatabase::create().await;
                let database = database.unwrap_or_else(|error| panic!("{STORE}={store}, but: {error}"));
                Self::with(Some(database), nodes)
            }
            _ => panic!("{STORE} is `sqlite` or `postgres`, not {store:?}"),
        }
    }

    /// Makes data in a SQLite file, whatever the environment says, for tests about files.
    #[must_use]
    pub fn sqlite() -> Arc<Self> {
        Self::with(None, 1)
    }

    /// Makes data on PostgreSQL, whatever the environment says, for tests about features that only it has.
    #[must_use]
    pub fn postgres(database: TestDatabase) -> Arc<Self> {
        Self::with(Some(database), 1)
    }

    fn with(database: Option<TestDatabase>, nodes: usize) -> Arc<Self> {
        Arc::new(Self { database, nodes, dir: tempfile::tempdir().expect("a temporary directory") })
    }

    /// Returns the directory of the test, in which the data directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Returns the URL of the database on PostgreSQL; empty for the SQLite file that a server makes in its data
    /// directory.
    #[must_use]
    pub fn url(&self) -> &str {
        self.database.as_ref().map_or("", TestDatabase::url)
    }

    /// Returns the number of servers that share the data.
    pub(super) fn nodes(&self) -> usize {
        self.nodes
    }

    /// Returns whether the data is in a SQLite file.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.database.is_none()
    }

    /// Sets the data directory and the database of a server.
    pub fn configure(&self, config: &mut Config) {
        config.server.data_dir = self.dir.path().join("data");
        config.database.url = self.url().into();
    }
}

/// Puts an instance key into a data directory, always the same one, for servers that share a database but no directory.
/// A key that is there stays.
pub fn share_instance_key(data_dir: &Path) {
    let keys = data_dir.join("keys");
    std::fs::create_dir_all(&keys).expect("a directory for keys");
    let file = keys.join("instance.key");
    if !file.exists() {
        std::fs::write(file, [7; 32]).expect("a key");
    }
}

fn nodes() -> usize {
    match std::env::var(NODES) {
        Err(_) => 1,
        Ok(count) => count.parse().ok().filter(|count| (1..=16).contains(count)).unwrap_or_else(|| {
            panic!("{NODES} is a number of servers from 1 to 16, not {count:?}");
        }),
    }
}
