//! What operators do to a store while no server runs on it.

use sea_orm::{ConnectionTrait as _, DatabaseBackend};

use super::{Storage, StorageError, new_epoch};

/// Rows of ciphertexts whose messages are gone for good. They are kept until now, since removing single rows would have their
/// pages rearranged; what follows writes all pages anew.
const ORPHANS: &str = "DELETE FROM bodies WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.id = bodies.id)";

impl Storage {
    /// Names the store's history anew, after it was restored from a backup: cursors of what came after the backup are no longer
    /// honoured. Answers the new name.
    pub async fn new_epoch(&self) -> Result<String, StorageError> {
        let epoch = new_epoch()?;
        let sql = "UPDATE store SET epoch = $1 WHERE id = 1";
        self.writer.execute_raw(self.statement(sql, [epoch.as_str().into()])).await?;
        Ok(epoch)
    }

    /// Gives the space of what was destroyed back to the file system. Takes as much free space as the database has, and the time
    /// to copy it. On PostgreSQL, whose own vacuum does this, it does nothing.
    pub async fn compact(&self) -> Result<(), StorageError> {
        if self.backend() == DatabaseBackend::Sqlite {
            self.writer.execute_unprepared(ORPHANS).await?;
            self.writer.execute_unprepared("VACUUM").await?;
            self.checkpoint().await?;
        }
        Ok(())
    }
}
