//! The servers that use a PostgreSQL database, and what they have agreed on.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// A row for each run of a server, renewed every few seconds and deleted when it stops in order. Times are in
/// microseconds of the database's clock. `level` says what it can read, `told` up to which number it has announced
/// everything, and `leaving_until` when it will have closed its sockets, where it is stopping.
const NODES: &str = "CREATE TABLE nodes (boot BIGINT NOT NULL PRIMARY KEY, label TEXT NOT NULL, version TEXT NOT NULL, \
     level INTEGER NOT NULL, told BIGINT NOT NULL, sockets BIGINT NOT NULL, leaving_until BIGINT, \
     seen_at BIGINT NOT NULL)";

/// One row: the level that all servers can read, the oldest version that may still run, what the secret is recognised
/// by, and the timeline of PostgreSQL on which the store was written last.
const CLUSTER: &str = "CREATE TABLE cluster (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), level INTEGER NOT NULL, \
     min_version TEXT NOT NULL, secret_check TEXT, timeline BIGINT)";
const ROW: &str = "INSERT INTO cluster (id, level, min_version) VALUES (1, 1, '0.0.0')";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        if backend == DatabaseBackend::Postgres {
            for sql in [NODES, CLUSTER, ROW] {
                db.execute_unprepared(sql).await?;
            }
        }
        Ok(())
    }
}
