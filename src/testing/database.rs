//! A database of one test on PostgreSQL.

use tokio::sync::OnceCell;

use super::postgres::{Postgres, PostgresError};
use crate::config::Config;
use crate::storage::StorageError;
use crate::storage::testing::databases;

/// The environment variable with the URL of an existing server.
const EXISTING: &str = "TEST_DATABASE_URL";
/// The database that is migrated once, and then copied for each test.
const TEMPLATE: &str = "fluent_template";

/// The server of this process, started by the first test that needs it. It notices the end of the process, and ends
/// too.
static SERVER: OnceCell<Result<Postgres, PostgresError>> = OnceCell::const_new();

/// A database, which is dropped with this value.
///
/// It is on the server that `TEST_DATABASE_URL` names, whose user must be allowed to make databases; without that
/// variable on a throw-away server of this process.
pub struct TestDatabase {
    /// The URL of another database on that server.
    server: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Makes an empty store. Its schema is there, or is made when the store is opened.
    pub async fn create() -> Result<Self, PostgresError> {
        if let Some(server) = existing() {
            return Self::create_on(&server).await;
        }
        let server = shared().await?;
        Self::made(&server.url("fluent"), Some(TEMPLATE)).await
    }

    /// Makes a database without a schema.
    pub async fn create_empty() -> Result<Self, PostgresError> {
        if let Some(server) = existing() {
            return Self::create_on(&server).await;
        }
        Self::made(&shared().await?.url("fluent"), None).await
    }

    /// Makes a database without a schema, on the server of this URL.
    pub async fn create_on(server: &str) -> Result<Self, PostgresError> {
        Self::made(server, None).await
    }

    async fn made(server: &str, template: Option<&str>) -> Result<Self, PostgresError> {
        let name = format!("fluent_test_{:016x}", rand::random::<u64>());
        let url = with_database(server, &name);
        let url = url.ok_or_else(|| PostgresError::Failed("the URL names no host".to_owned()))?;
        databases::create_database(server, &name, template).await.map_err(failed)?;
        Ok(Self { server: server.to_owned(), name, url })
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // On another thread, since the test's runtime may be shutting down.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(databases::drop_database(&server, &name)).ok()
        });
        // The server may be gone already.
        let _ = dropping.join();
    }
}

fn existing() -> Option<String> {
    std::env::var(EXISTING).ok().filter(|url| !url.is_empty())
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err calls it")]
fn failed(error: StorageError) -> PostgresError {
    PostgresError::Failed(error.to_string())
}

/// Returns the server of this process.
async fn shared() -> Result<&'static Postgres, PostgresError> {
    let server = SERVER.get_or_init(|| Box::pin(start_with_template())).await;
    server.as_ref().map_err(|error| match error {
        PostgresError::NotInstalled => PostgresError::NotInstalled,
        other => PostgresError::Failed(other.to_string()),
    })
}

async fn start_with_template() -> Result<Postgres, PostgresError> {
    let server = Postgres::start().await?;
    databases::create_database(&server.url("fluent"), TEMPLATE, None).await.map_err(failed)?;
    let mut config = Config::defaults().expect("the defaults are valid");
    config.database.url = server.url(TEMPLATE).into();
    databases::migrate_only(&config).await.map_err(failed)?;
    Ok(server)
}

/// Returns the URL with another database in it.
fn with_database(url: &str, name: &str) -> Option<String> {
    let (scheme, behind) = url.split_once("://")?;
    let (front, query) = behind.split_once('?').unwrap_or((behind, ""));
    let authority = front.split('/').next().unwrap_or_default();
    let mark = if query.is_empty() { "" } else { "?" };
    Some(format!("{scheme}://{authority}/{name}{mark}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_in_a_url() {
        for (url, expected) in [
            ("postgres://u:p@h:5432/old?sslmode=disable", "postgres://u:p@h:5432/new?sslmode=disable"),
            ("postgres://u@%2Ftmp%2Fx/old", "postgres://u@%2Ftmp%2Fx/new"),
            ("postgresql://h", "postgresql://h/new"),
        ] {
            assert_eq!(with_database(url, "new").as_deref(), Some(expected));
        }
        assert_eq!(with_database("host=h", "new"), None);
    }
}
