//! Waking devices: where each is woken and what it is owed, one row a device, and what came of the requests.

use crate::prelude::*;
use sea_orm::DatabaseBackend;

use crate::identity;

pub(crate) struct Migration;

/// A device and its outbox. `token` is a provider's token or a subscription's URL; what one provider alone needs is
/// NULL for the others. `due_at` is when what is owed is sent, and while a request is on its way when that counts as
/// lost. Times are microseconds since 1970 (UTC), the rest are places in the order of events.
const TARGETS: &str = "CREATE TABLE push_targets (user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, \
     device_id TEXT NOT NULL, login_id BIGINT NOT NULL REFERENCES logins (id) ON DELETE CASCADE, \
     provider SMALLINT NOT NULL, token TEXT NOT NULL, token_hash {bytes} NOT NULL, p256dh {bytes}, auth {bytes}, \
     topic TEXT, environment INTEGER NOT NULL DEFAULT 0, style INTEGER NOT NULL DEFAULT 0, created_at BIGINT NOT NULL, \
     suspended BOOLEAN NOT NULL DEFAULT FALSE, reason TEXT, \
     acked_seq BIGINT NOT NULL, acked_at BIGINT NOT NULL, seen_at BIGINT, \
     owed_seq BIGINT, owed_urgent BOOLEAN NOT NULL DEFAULT FALSE, owed_since BIGINT, due_at BIGINT, \
     attempts INTEGER NOT NULL DEFAULT 0, wake_id TEXT, woken_seq BIGINT NOT NULL DEFAULT 0, woken_at BIGINT, \
     unanswered INTEGER NOT NULL DEFAULT 0, lease_node BIGINT, lease_until BIGINT, \
     PRIMARY KEY (user_id, device_id)){options}";

/// What came of requests, for operators. A target that is gone leaves its attempts.
const ATTEMPTS: &str = "CREATE TABLE push_attempts (id {id}, \
     user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE, device_id TEXT NOT NULL, at BIGINT NOT NULL, \
     from_seq BIGINT NOT NULL, to_seq BIGINT NOT NULL, provider SMALLINT NOT NULL, outcome SMALLINT NOT NULL, \
     status INTEGER, reason TEXT, provider_id TEXT, took_ms INTEGER NOT NULL)";

const INDEXES: [&str; 6] = [
    "CREATE UNIQUE INDEX push_targets_token ON push_targets (provider, token_hash)",
    "CREATE INDEX push_targets_login ON push_targets (login_id)",
    "CREATE INDEX push_targets_due ON push_targets (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX push_targets_acked ON push_targets (acked_at)",
    "CREATE INDEX push_attempts_device ON push_attempts (user_id, device_id, id)",
    "CREATE INDEX push_attempts_at ON push_attempts (at)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let (bytes, options) = match backend {
            // Rows lie by user: those of a receiver are found at once.
            DatabaseBackend::Sqlite => ("BLOB", " WITHOUT ROWID"),
            // A debt is written over and over: with room in its page a row's next version needs no index entries.
            _ => ("BYTEA", " WITH (fillfactor = 60)"),
        };
        let db = manager.get_connection();
        for table in [TARGETS, ATTEMPTS] {
            let table =
                table.replace("{id}", identity(backend)).replace("{bytes}", bytes).replace("{options}", options);
            db.execute_unprepared(&table).await?;
        }
        for sql in INDEXES {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
