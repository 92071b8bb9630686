//! Skeletons of names, which say which names look alike, and the names that would not be accepted as new ones.
//!
//! The server fills the tables, and makes the index of [`m0005_user_search`](super::m0005_user_search) anew, as soon as
//! they exist: what a name looks like and how it is searched follows Unicode's data, and changes with them.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// Skeletons of 16 bytes, one or two for each name. A new name takes rows with `twin` 0, which are unique; older
/// accounts that look like another have their own id there.
const SKELETONS: &str = "CREATE TABLE name_skeletons (skeleton BLOB NOT NULL, twin INTEGER NOT NULL, \
     user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, PRIMARY KEY (skeleton, twin))";

const REST: [&str; 4] = [
    "CREATE INDEX name_skeletons_user ON name_skeletons (user_id)",
    "CREATE INDEX name_skeletons_twins ON name_skeletons (user_id) WHERE twin <> 0",
    // Accounts whose names are older than the rules that they break.
    "CREATE TABLE odd_names (user_id INTEGER NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, \
     reason TEXT NOT NULL)",
    // The version of the rules that these tables follow; 0: none yet.
    "ALTER TABLE store ADD COLUMN names_version INTEGER NOT NULL DEFAULT 0",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let skeletons = match manager.get_database_backend() {
            DatabaseBackend::Sqlite => format!("{SKELETONS} WITHOUT ROWID"),
            _ => SKELETONS.replace("BLOB", "BYTEA"),
        };
        db.execute_unprepared(&skeletons).await?;
        for sql in REST {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
