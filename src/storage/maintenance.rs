//! Maintenance of a store by operators: backup, restore, copy, new epoch.

mod backup;
pub(in crate::storage) mod copy;
mod error;
pub(in crate::storage) mod file;
mod holding;
mod inspect;
mod restore;

use crate::storage::{Storage, StorageError};

pub use backup::backup;
pub use error::MaintenanceError;
pub use holding::Holding;
pub use inspect::{PostgresFacts, inspect_postgres};
pub use restore::restore;

impl Storage {
    /// Gives the store's history a new name after a restore from a backup, and returns it. Cursors of the old history
    /// are no longer honoured, and `LOST_IDS` ids are skipped.
    pub async fn new_epoch(&self) -> Result<String, StorageError> {
        let tx = self.begin().await?;
        let epoch = self.change_epoch(&tx).await?;
        self.forget_timeline(&tx).await?;
        tx.commit().await?;
        Ok(epoch.as_str().to_owned())
    }
}
