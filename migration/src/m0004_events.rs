//! The tables of `fluent.v1`: events beside messages, positions of each side, deletion and expiry, blocks, settings,
//! devices.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

pub(crate) struct Migration;

/// Columns that existing tables get: table, name, type and default.
const COLUMNS: [(&str, &str); 18] = [
    // The highest `seq` that is no longer kept; the time before which everything is gone by retention; and a number
    // that changes whenever data changes that writers cache.
    ("store", "dropped BIGINT NOT NULL DEFAULT 0"),
    ("store", "retained_from BIGINT NOT NULL DEFAULT 0"),
    ("store", "rules BIGINT NOT NULL DEFAULT 0"),
    ("users", "presence BOOLEAN NOT NULL DEFAULT TRUE"),
    ("users", "read_receipts BOOLEAN NOT NULL DEFAULT TRUE"),
    // 0: nothing yet, 1: the legacy dialect, 2: fluent.v1.
    ("logins", "dialect SMALLINT NOT NULL DEFAULT 0"),
    ("messages", "client_id TEXT"),
    ("messages", "content_hash BLOB"),
    ("messages", "reply_to BIGINT"),
    ("messages", "expires_at BIGINT"),
    // The `seq` under which the message was gone for each side, then the one under which it was gone for both, and how:
    // 0 one side after the other, 1 for everyone by its sender, 2 expired, 3 retention, 4 with an account.
    ("messages", "sender_gone BIGINT"),
    ("messages", "receiver_gone BIGINT"),
    ("messages", "gone_seq BIGINT"),
    ("messages", "gone_how SMALLINT NOT NULL DEFAULT 0"),
    // Messages that the other side has sent: the number of unread ones, and the newest one.
    ("members", "unread BIGINT NOT NULL DEFAULT 0"),
    ("members", "newest_inbound BIGINT"),
    ("members", "read_id BIGINT NOT NULL DEFAULT 0"),
    ("members", "delivered_id BIGINT NOT NULL DEFAULT 0"),
];

/// More columns of `members`: the read position that the other side was shown, and the `seq` and time of each
/// position's event.
const POSITIONS: [&str; 6] = ["read_seq", "read_at", "shown_seq", "shown_at", "delivered_seq", "delivered_at"];

const TABLES: [&str; 5] = [
    // Events that are not messages or receipts. `user_id` 0 stands for all users. The storage code says what `kind` and
    // the rest mean.
    "CREATE TABLE events (user_id INTEGER NOT NULL, seq BIGINT NOT NULL, kind SMALLINT NOT NULL, \
     subject BIGINT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (user_id, seq))",
    "CREATE TABLE blocks (user_id INTEGER NOT NULL, other_id INTEGER NOT NULL, PRIMARY KEY (user_id, other_id))",
    "CREATE TABLE devices (login_id BIGINT NOT NULL REFERENCES logins (id) ON DELETE CASCADE, device_id TEXT NOT NULL, \
     PRIMARY KEY (login_id, device_id))",
    // Conversations of deleted accounts whose messages are still to be destroyed.
    "CREATE TABLE wipes (conversation_id BIGINT NOT NULL PRIMARY KEY, user_id INTEGER NOT NULL, seq BIGINT NOT NULL)",
    // Retention runs whose messages are still to be destroyed: all that are older than `before`.
    "CREATE TABLE sweeps (seq BIGINT NOT NULL PRIMARY KEY, before BIGINT NOT NULL)",
];

/// The ciphertexts, apart from everything else about a message.
///
/// On SQLite this is what makes their destruction complete: rows of this table are only ever appended, and overwritten
/// by as many zeros. So its pages are never rearranged, which would leave copies of rows in the unused parts of pages,
/// where not even `secure_delete` overwrites them.
const BODIES: [&str; 4] = [
    "CREATE TABLE bodies (id INTEGER NOT NULL PRIMARY KEY, sender_copy BLOB NOT NULL, receiver_copy BLOB NOT NULL)",
    "INSERT INTO bodies (id, sender_copy, receiver_copy) SELECT id, sender_copy, receiver_copy FROM messages \
     ORDER BY id",
    "ALTER TABLE messages DROP COLUMN sender_copy",
    "ALTER TABLE messages DROP COLUMN receiver_copy",
];

const INDEXES: [&str; 10] = [
    "DROP INDEX messages_conversation",
    // Contains only messages that one of the two can still see: a page never reads those that are gone for both.
    "CREATE INDEX messages_conversation ON messages (conversation_id, timestamp) WHERE gone_seq IS NULL",
    // The client id first: it grows with time, so inserts stay on the newest page.
    "CREATE UNIQUE INDEX messages_client ON messages (client_id, sender_id) WHERE client_id IS NOT NULL",
    "CREATE INDEX messages_expires ON messages (expires_at) WHERE expires_at IS NOT NULL",
    "CREATE INDEX messages_gone ON messages (gone_seq) WHERE gone_seq IS NOT NULL",
    // Leaves out messages of deleted accounts that were destroyed.
    "CREATE INDEX messages_gone_conversation ON messages (conversation_id) \
     WHERE gone_seq IS NOT NULL AND gone_how <> 4",
    "CREATE INDEX events_seq ON events (seq)",
    // Key changes and blocks, by the user they are about.
    "CREATE INDEX events_about ON events (subject) WHERE kind IN (5, 7, 8)",
    "CREATE INDEX members_conversation ON members (conversation_id)",
    "CREATE INDEX blocks_other ON blocks (other_id)",
];

/// Messages from before count as delivered and read.
const POSITIONS_OF_THE_PAST: [&str; 2] = [
    "UPDATE members SET newest_inbound = (SELECT MAX(m.id) FROM messages AS m \
     WHERE m.conversation_id = members.conversation_id AND m.sender_id <> members.user_id)",
    "UPDATE members SET read_id = newest_inbound, shown_id = newest_inbound, delivered_id = newest_inbound \
     WHERE newest_inbound IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let is_sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
        for (table, column) in COLUMNS {
            let column = if is_sqlite { column.to_owned() } else { column.replace("BLOB", "BYTEA") };
            db.execute_unprepared(&format!("ALTER TABLE {table} ADD COLUMN {column}")).await?;
        }
        for column in ["shown_id"].into_iter().chain(POSITIONS) {
            let sql = format!("ALTER TABLE members ADD COLUMN {column} BIGINT NOT NULL DEFAULT 0");
            db.execute_unprepared(&sql).await?;
        }
        for sql in POSITIONS_OF_THE_PAST {
            db.execute_unprepared(sql).await?;
        }
        for sql in BODIES {
            let sql = if is_sqlite {
                sql.to_owned()
            } else {
                sql.replace("id INTEGER", "id BIGINT").replace("BLOB", "BYTEA")
            };
            db.execute_unprepared(&sql).await?;
        }
        for sql in TABLES {
            // These rows hold the key and little else: one tree instead of two.
            let clustered = is_sqlite && sql.contains("PRIMARY KEY (");
            db.execute_unprepared(&format!("{sql}{}", if clustered { " WITHOUT ROWID" } else { "" })).await?;
        }
        for sql in INDEXES {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
