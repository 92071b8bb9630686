//! What operators do to a store: backup, restore, a new epoch, compacting.

mod backup;
pub(in crate::storage) mod copy;
mod error;
pub(in crate::storage) mod file;
mod holding;
mod restore;

use sea_orm::{ConnectionTrait as _, DatabaseBackend};

use crate::storage::schema::store_row::new_epoch;
use crate::storage::{Storage, StorageError};

pub use backup::backup;
pub use error::MaintenanceError;
pub use holding::Holding;
pub use restore::restore;

/// Rows of ciphertexts whose messages are gone for good. They are kept until now, since removing single rows would have their
/// pages rearranged; what follows writes all pages anew.
const ORPHANS: &str = "DELETE FROM bodies WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = bodies.id)";

/// Tables that count by themselves.
const COUNTED: [&str; 3] = ["users", "logins", "conversations"];
/// So many ids are never given: those that a store has given out after the backup it was restored from. Access tokens of lost
/// accounts may still be valid, and phones remember their ids and keys; none may name somebody new.
const LOST_IDS: i64 = 1_000_000;
const SKIP_ON_SQLITE: &str = "UPDATE sqlite_sequence SET seq = seq + $1 WHERE name = $2";
const SKIP_ON_POSTGRES: &str =
    "SELECT setval(s, nextval(s) + $1) FROM CAST(pg_get_serial_sequence($2, 'id') AS regclass) AS s";

impl Storage {
    /// Names the store's history anew, after it was restored from a backup: cursors of what came after the backup are no longer
    /// honoured, and ids from then are not given again. Answers the new name.
    pub async fn new_epoch(&self) -> Result<String, StorageError> {
        let epoch = new_epoch()?;
        let tx = self.begin().await?;
        let sql = "UPDATE store SET epoch = $1 WHERE id = 1";
        tx.execute_raw(self.statement(sql, [epoch.as_str().into()])).await?;
        for table in COUNTED {
            let skip = if self.backend() == DatabaseBackend::Sqlite { SKIP_ON_SQLITE } else { SKIP_ON_POSTGRES };
            tx.execute_raw(self.statement(skip, [LOST_IDS.into(), table.into()])).await?;
        }
        tx.commit().await?;
        Ok(epoch)
    }

    /// Gives the space of what was destroyed back to the file system. Takes as much free space as the database has, and the time
    /// to copy it. On PostgreSQL, whose own vacuum does this, it does nothing.
    pub async fn compact(&self) -> Result<(), StorageError> {
        if self.backend() == DatabaseBackend::Sqlite {
            self.request_writes.execute_unprepared(ORPHANS).await?;
            self.request_writes.execute_unprepared("VACUUM").await?;
            self.checkpoint().await?;
        }
        Ok(())
    }
}
