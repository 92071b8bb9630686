//! A standby that follows a throw-away server, and may be promoted in its place.

use super::{FIRST_DATABASE, Installation, Postgres, PostgresError, PostgresSettings};
use crate::storage::testing::databases::execute;

impl Postgres {
    /// Starts a standby that follows this server by streaming replication.
    pub async fn standby(&self) -> Result<Self, PostgresError> {
        let installation = Installation::find().ok_or(PostgresError::NotInstalled)?;
        let dir = tempfile::Builder::new().prefix("fluent-postgres-").tempdir()?;
        installation.give(dir.path())?;
        let mut copy = installation.program("pg_basebackup");
        copy.args(["--username=fluent", "--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--host"]);
        let copied = copy.arg(self.dir.path()).arg("--pgdata").arg(dir.path().join("data")).output()?;
        if !copied.status.success() {
            let reason = String::from_utf8_lossy(&copied.stderr).trim().to_owned();
            return Err(PostgresError::Failed(format!("pg_basebackup: {reason}")));
        }
        let mut standby = Self { installation, settings: PostgresSettings::default(), keeper: None, dir };
        standby.restart().await?;
        Ok(standby)
    }

    /// Makes a standby receive nothing more of what its primary commits.
    pub async fn fall_behind(&self) -> Result<(), PostgresError> {
        self.run("ALTER SYSTEM SET primary_conninfo = ''").await?;
        self.run("SELECT pg_reload_conf()").await
    }

    /// Makes a standby the primary.
    pub async fn promote(&self) -> Result<(), PostgresError> {
        self.run("SELECT pg_promote()").await
    }

    async fn run(&self, sql: &str) -> Result<(), PostgresError> {
        execute(&self.url(FIRST_DATABASE), sql).await.map_err(|error| PostgresError::Failed(error.to_string()))
    }
}
