//! Erasure of ciphertexts and of the space they took.

use std::sync::atomic::Ordering;

use sea_orm::DatabaseBackend;

use crate::storage::engine::tx::{Tx as _, run_unprepared};
use crate::storage::{Storage, StorageError};

/// The copies of a message to erase.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Side {
    Sender,
    Receiver,
    Both,
}

/// Deletes rows of ciphertexts whose messages are gone for good. Retention deletes those that are far from all others
/// (`retention/zeros.rs`); removing single rows would rearrange pages, while compaction writes all pages anew.
const ORPHANS: &str = "DELETE FROM bodies WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = bodies.id)";

/// Returns the change that erases copies of the messages in `column1` of a list (see
/// [`JointChanges`](crate::storage::engine::joint_changes::JointChanges)).
///
/// On SQLite they are replaced by as many zeros, so that the row keeps its size and is overwritten in place, overflow
/// pages included (`btreeOverwriteCell` in SQLite's btree.c). A smaller row would have its page rearranged, which
/// leaves copies of rows in the page's unused parts. PostgreSQL writes a new row in any case, and its vacuum clears the
/// old one.
pub(in crate::storage) fn erase(backend: DatabaseBackend, side: Side) -> &'static str {
    match (backend, side) {
        (DatabaseBackend::Sqlite, Side::Sender) => {
            "UPDATE bodies SET sender_copy = zeroblob(length(sender_copy)) WHERE id IN (SELECT v.column1 FROM {v})"
        }
        (DatabaseBackend::Sqlite, Side::Receiver) => {
            "UPDATE bodies SET receiver_copy = zeroblob(length(receiver_copy)) WHERE id IN (SELECT v.column1 FROM {v})"
        }
        (DatabaseBackend::Sqlite, Side::Both) => {
            "UPDATE bodies SET sender_copy = zeroblob(length(sender_copy)), \
             receiver_copy = zeroblob(length(receiver_copy)) WHERE id IN (SELECT v.column1 FROM {v})"
        }
        (_, Side::Sender) => "UPDATE bodies SET sender_copy = '' FROM {v} WHERE bodies.id = v.column1",
        (_, Side::Receiver) => "UPDATE bodies SET receiver_copy = '' FROM {v} WHERE bodies.id = v.column1",
        (_, Side::Both) => "DELETE FROM bodies USING {v} WHERE bodies.id = v.column1",
    }
}

impl Storage {
    /// Empties the write-ahead log, which still holds destroyed ciphertexts and replaced password hashes. Returns false
    /// when a reader or a writer needs the log just now. Does nothing on PostgreSQL, where vacuum and archive decide.
    pub async fn checkpoint(&self) -> Result<bool, StorageError> {
        self.check_files().await?;
        if self.backend() == sea_orm::DatabaseBackend::Sqlite {
            let row = self.cleanup.query_one(self.statement("PRAGMA wal_checkpoint(TRUNCATE)", [])).await?;
            let is_busy = row.map_or(Ok(0), |row| row.get::<i32>(0))? != 0;
            return Ok(!is_busy);
        }
        Ok(true)
    }

    /// Returns whether anything was destroyed since the last call.
    pub fn take_destroyed(&self) -> bool {
        self.destroyed.swap(false, Ordering::Relaxed)
    }

    /// Records that destroyed content may still be in the write-ahead log.
    pub fn mark_destroyed(&self) {
        self.destroyed.store(true, Ordering::Relaxed);
    }

    /// Gives the space of destroyed content back to the file system. Needs free space of the database's size, and the
    /// time to copy it. Does nothing on PostgreSQL, whose own vacuum does this.
    pub async fn compact(&self) -> Result<(), StorageError> {
        if self.backend() == DatabaseBackend::Sqlite {
            run_unprepared(&self.request_writes, ORPHANS).await?;
            run_unprepared(&self.request_writes, "VACUUM").await?;
            self.checkpoint().await?;
        }
        Ok(())
    }
}
