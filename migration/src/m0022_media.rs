//! Files that clients have uploaded, and the messages that name them.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// `id` is random. `received` is the number of bytes that are kept for certain. `lease` names the request that writes,
/// on one of several servers. Without an owner the account is gone. Times are microseconds since 1970 (UTC).
const MEDIA: &str = "CREATE TABLE media (id BLOB NOT NULL PRIMARY KEY, \
     owner_id INTEGER REFERENCES users (id) ON DELETE SET NULL, size BIGINT NOT NULL, received BIGINT NOT NULL, \
     state SMALLINT NOT NULL, sha256 BLOB, metadata TEXT, client_key TEXT, created_at BIGINT NOT NULL, \
     expires_at BIGINT, lost_at BIGINT, store TEXT NOT NULL, upload TEXT, lease BIGINT, lease_until BIGINT, \
     lease_wanted BOOLEAN NOT NULL DEFAULT FALSE)";

/// A file is kept while it has a row here. They go with the message, or with the file.
const REFS: &str = "CREATE TABLE media_refs (message_id BIGINT NOT NULL, position SMALLINT NOT NULL, \
     media_id BLOB NOT NULL REFERENCES media (id) ON DELETE CASCADE, PRIMARY KEY (message_id, position))";

const REST: [&str; 8] = [
    // All that the quotas of a user ask for.
    "CREATE INDEX media_owner ON media (owner_id, state, expires_at, lost_at, size)",
    "CREATE UNIQUE INDEX media_client_key ON media (owner_id, client_key) WHERE client_key IS NOT NULL",
    "CREATE INDEX media_expires ON media (expires_at) WHERE expires_at IS NOT NULL",
    // Uploads that are not whole.
    "CREATE INDEX media_open ON media (state) WHERE state < 2",
    // Files to remove.
    "CREATE INDEX media_deleting ON media (id) WHERE state = 4",
    "CREATE INDEX media_refs_media ON media_refs (media_id)",
    // Ids and sizes of the files that a message names, as its readers are shown them; so a page of messages needs
    // neither of the tables.
    "ALTER TABLE messages ADD COLUMN attachments TEXT",
    // Messages that a server of an older version has deleted without their files; nearly always none.
    "CREATE INDEX messages_unreleased ON messages (id) WHERE gone_seq IS NOT NULL AND attachments IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
        let db = manager.get_connection();
        for table in [MEDIA, REFS] {
            let sql = if is_sqlite { format!("{table} WITHOUT ROWID") } else { table.replace("BLOB", "BYTEA") };
            db.execute_unprepared(&sql).await?;
        }
        for sql in REST {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
