//! Erasure of ciphertexts and of the space they took.

use std::sync::atomic::Ordering;

use sea_orm::DatabaseBackend;

use crate::storage::engine::tx::{Tx as _, run_unprepared};
use crate::storage::{Storage, StorageError};

/// Which copies of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Side {
    Sender,
    Receiver,
    Both,
}

/// Rows of ciphertexts whose messages are gone for good. They are kept until now, since removing single rows would have
/// their pages rearranged; what follows writes all pages anew.
const ORPHANS: &str = "DELETE FROM bodies WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = bodies.id)";

/// Returns the statement that erases copies of the message `$1`.
///
/// On SQLite as many zeros take their place, so that the row keeps its size and is overwritten where it is, overflow
/// pages included (`btreeOverwriteCell` in SQLite's btree.c). A row that shrinks would have its page rearranged, and
/// pages leave copies of what they held in their unused parts. PostgreSQL writes a new row in any case, and its vacuum
/// clears the old one.
pub(in crate::storage) fn erase(backend: DatabaseBackend, side: Side) -> &'static str {
    match (backend, side) {
        (DatabaseBackend::Sqlite, Side::Sender) => {
            "UPDATE bodies SET sender_copy = zeroblob(length(sender_copy)) WHERE id = $1"
        }
        (DatabaseBackend::Sqlite, Side::Receiver) => {
            "UPDATE bodies SET receiver_copy = zeroblob(length(receiver_copy)) WHERE id = $1"
        }
        (DatabaseBackend::Sqlite, Side::Both) => {
            "UPDATE bodies SET sender_copy = zeroblob(length(sender_copy)), \
             receiver_copy = zeroblob(length(receiver_copy)) WHERE id = $1"
        }
        (_, Side::Sender) => "UPDATE bodies SET sender_copy = '' WHERE id = $1",
        (_, Side::Receiver) => "UPDATE bodies SET receiver_copy = '' WHERE id = $1",
        (_, Side::Both) => "DELETE FROM bodies WHERE id = $1",
    }
}

impl Storage {
    /// Empties the write-ahead log, where destroyed ciphertext and replaced password hashes still are. False when a
    /// reader or a writer needs it just now. On PostgreSQL there is nothing to do: its vacuum and its archive decide.
    pub async fn checkpoint(&self) -> Result<bool, StorageError> {
        self.check_files().await?;
        if self.backend() == sea_orm::DatabaseBackend::Sqlite {
            let row = self.cleanup.query_one(self.statement("PRAGMA wal_checkpoint(TRUNCATE)", [])).await?;
            let is_busy = row.map_or(Ok(0), |row| row.get::<i32>(0))? != 0;
            return Ok(!is_busy);
        }
        Ok(true)
    }

    /// Whether something was destroyed since this was last asked.
    pub fn take_destroyed(&self) -> bool {
        self.destroyed.swap(false, Ordering::Relaxed)
    }

    /// Remembers that what was destroyed may still be in the write-ahead log.
    pub fn mark_destroyed(&self) {
        self.destroyed.store(true, Ordering::Relaxed);
    }

    /// Gives the space of what was destroyed back to the file system. Takes as much free space as the database has, and
    /// the time to copy it. On PostgreSQL, whose own vacuum does this, it does nothing.
    pub async fn compact(&self) -> Result<(), StorageError> {
        if self.backend() == DatabaseBackend::Sqlite {
            run_unprepared(&self.request_writes, ORPHANS).await?;
            run_unprepared(&self.request_writes, "VACUUM").await?;
            self.checkpoint().await?;
        }
        Ok(())
    }
}
