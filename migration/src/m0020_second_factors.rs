//! Second factors: the secret of an authenticator app, codes for its loss, and logins that wait for a code.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

const TABLES: [&str; 3] = [
    // The secret is encrypted. A factor without `enrolled_at` waits for its first code until `expires_at`.
    "CREATE TABLE second_factors (user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, \
     secret BLOB NOT NULL, last_step BIGINT NOT NULL, enrolled_at BIGINT, expires_at BIGINT)",
    "CREATE TABLE recovery_codes (user_id INTEGER NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE, \
     hash BLOB NOT NULL, PRIMARY KEY (user_id, hash))",
    // `proof` is the SHA-256 of the password's hash that was right.
    "CREATE TABLE login_challenges (hash BLOB NOT NULL PRIMARY KEY, \
     user_id INTEGER NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE, proof BLOB NOT NULL, \
     tries_left INTEGER NOT NULL, expires_at BIGINT NOT NULL)",
];
const REST: [&str; 3] = [
    "CREATE INDEX login_challenges_user ON login_challenges (user_id)",
    "CREATE INDEX login_challenges_expires ON login_challenges (expires_at)",
    // Whether the login began with a code.
    "ALTER TABLE logins ADD COLUMN second_factor BOOLEAN NOT NULL DEFAULT FALSE",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
        for table in TABLES {
            let sql = if is_sqlite { table.to_owned() } else { table.replace("BLOB", "BYTEA") };
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        for sql in REST {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
