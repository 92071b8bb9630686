//! The audit log: entries are added in groups, and read from either end.

use std::sync::LazyLock;

use sea_orm::Value;

use crate::domain::{AuditEntry, AuditFilter, NewAuditEntry, Timestamp, UserId};
use crate::storage::engine::page::bind;
use crate::storage::engine::per_engine::PerEngine;
use crate::storage::engine::row::{Columns as _, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

columns! {
    /// A line of the log.
    struct AuditColumns {
        id: i64 = "id",
        at: Timestamp = "at",
        event: String = "event",
        actor_kind: String = "actor_kind",
        actor: Option<UserId> = "actor_id",
        subject: Option<UserId> = "subject_id",
        network: Option<String> = "network",
        detail: Option<String> = "detail",
    }
}

impl From<AuditColumns> for AuditEntry {
    fn from(row: AuditColumns) -> Self {
        Self {
            id: row.id,
            at: row.at,
            event: row.event,
            actor_kind: row.actor_kind,
            actor: row.actor,
            subject: row.subject,
            network: row.network,
            detail: row.detail.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        }
    }
}

/// Adds an entry. A user whose account is gone, or is just being deleted, is not named.
const ADD: &str = "INSERT INTO audit (at, event, actor_kind, actor_id, subject_id, network, detail) VALUES \
     ($1, $2, $3, (SELECT id FROM users WHERE id = $4 {unless_deleted}), \
     (SELECT id FROM users WHERE id = $5 {unless_deleted}), $6, $7)";
/// On PostgreSQL: keeps a deletion from being committed before the entry, and skips a row that a deletion has locked.
/// SQLite has one writer.
const UNLESS_DELETED: PerEngine<&str> = PerEngine { sqlite: "", postgres: "FOR KEY SHARE SKIP LOCKED" };

const FILTER: &str = "($3 = '' OR event = $3) AND ($4 = 0 OR subject_id = $4 OR actor_id = $4) AND at >= $5";
static BEFORE: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM audit WHERE id < $1 AND {FILTER} ORDER BY id DESC LIMIT $2 + 0", AuditColumns::select())
});
static AFTER: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} FROM audit WHERE id > $1 AND {FILTER} ORDER BY id LIMIT $2 + 0", AuditColumns::select())
});

/// Which way the audit log is read, and from which entry on, which is left out.
#[derive(Clone, Copy, Debug)]
pub enum AuditFrom {
    /// The newest first, before this one or from the end.
    Before(Option<i64>),
    /// The oldest first, after this one; 0: from the beginning.
    After(i64),
}

impl Storage {
    /// Adds entries to the audit log, all or none, each with the time when it happened.
    pub async fn add_audit(&self, entries: &[(Timestamp, NewAuditEntry)]) -> Result<(), StorageError> {
        let sql = ADD.replace("{unless_deleted}", UNLESS_DELETED.of(self.backend()));
        let tx = self.begin().await?;
        for (at, entry) in entries {
            let id = |user: Option<UserId>| Value::from(user.map(|user| user.0));
            let detail = (!entry.detail.is_null()).then(|| entry.detail.to_string());
            let values = [
                at.as_micros().into(),
                entry.event.as_str().into(),
                entry.actor.kind().into(),
                id(entry.actor.user()),
                id(entry.subject),
                entry.network.map(|network| network.to_string()).into(),
                detail.into(),
            ];
            tx.execute(self.statement(sql.as_str(), values)).await?;
        }
        tx.commit().await
    }

    /// Returns entries of the audit log, at most `limit`.
    pub async fn audit(
        &self,
        from: AuditFrom,
        filter: AuditFilter,
        limit: u64,
    ) -> Result<Vec<AuditEntry>, StorageError> {
        let (sql, id) = match from {
            AuditFrom::Before(id) => (&BEFORE, id.unwrap_or(i64::MAX)),
            AuditFrom::After(id) => (&AFTER, id),
        };
        let AuditFilter { event, user, since } = filter;
        let values = [
            id.into(),
            bind(limit),
            event.map_or("", |event| event.as_str()).into(),
            user.map_or(0, |user| user.0).into(),
            since.map_or(0, Timestamp::as_micros).into(),
        ];
        let rows = self.reads.query(self.statement(sql.as_str(), values)).await?;
        rows.into_iter().map(|row| row.read::<AuditColumns>().map(AuditEntry::from)).collect()
    }
}
