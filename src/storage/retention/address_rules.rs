//! Rules about addresses that have ended.

use crate::domain::Timestamp;
use crate::storage::retention::messages::Cleared;
use crate::storage::{Storage, StorageError};

const RULES: &str = "DELETE FROM address_rules WHERE id IN \
     (SELECT id FROM address_rules WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 + 0 {skip})";

impl Storage {
    /// Drops some rules that had ended by `over`. Until then, a ban counts as one before the next.
    pub async fn drop_address_rules(&self, over: Timestamp) -> Result<Cleared, StorageError> {
        let dropped = self.drop_some(RULES, over).await?;
        Ok(Cleared { destroyed: 0, dropped, has_more: dropped > 0 })
    }
}
