//! Who may register: what operators have switched while servers run, and invites.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

use crate::identity;

pub(crate) struct Migration;

/// Settings that operators switch at run time, for all servers; those of the configuration hold where no row is.
const SWITCHES: &str =
    "CREATE TABLE switches (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL, switched_at BIGINT NOT NULL)";

/// Of a code only its SHA-256 and its first characters are kept. `bound_key` is the folded name or address that the
/// invite is good for alone. Times are microseconds since 1970 (UTC).
const INVITES: &str = "CREATE TABLE invites (id {id}, hash {bytes} NOT NULL, code_begins TEXT NOT NULL, \
     uses INTEGER NOT NULL, uses_left INTEGER NOT NULL, bound_to TEXT, bound_key TEXT, note TEXT NOT NULL, \
     created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, revoked_at BIGINT, used_at BIGINT, \
     used_by INTEGER REFERENCES users (id) ON DELETE SET NULL)";

const INDEXES: [&str; 3] = [
    "CREATE UNIQUE INDEX invites_hash ON invites (hash)",
    "CREATE INDEX invites_bound ON invites (bound_key) WHERE bound_key IS NOT NULL",
    "CREATE INDEX invites_used_by ON invites (used_by) WHERE used_by IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        let bytes = if backend == DatabaseBackend::Sqlite { "BLOB" } else { "BYTEA" };
        db.execute_unprepared(SWITCHES).await?;
        db.execute_unprepared(&INVITES.replace("{id}", identity(backend)).replace("{bytes}", bytes)).await?;
        for sql in INDEXES {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
