//! What the store knows of the instance key of its servers.

use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

const READ: &str = "SELECT instance_check FROM store WHERE id = 1";
/// Of two servers that start at once, the second one finds what the first one has written.
const BIND: &str =
    "UPDATE store SET instance_check = COALESCE(instance_check, $1) WHERE id = 1 RETURNING instance_check";
const FORGET: &str = "UPDATE store SET instance_check = NULL WHERE id = 1";

impl Storage {
    /// Binds the store to the instance key that is recognised by `check`, when it is bound to none. Returns
    /// [`StorageError::OtherInstanceKey`] when it is bound to another: what that key has encrypted cannot be read, and
    /// servers with different keys refuse what they tell clients.
    pub async fn bind_instance_key(&self, check: &str) -> Result<(), StorageError> {
        let missing = StorageError::Corrupt("the store row is missing");
        let row = self.request_writes.query_one(self.statement(READ, [])).await?.ok_or(missing)?;
        // A write waits for the batches of other servers, and is needed once.
        let bound: Option<String> = match row.get(0)? {
            Some(bound) => Some(bound),
            None => match self.request_writes.query_one(self.statement(BIND, [check.into()])).await? {
                Some(row) => row.get(0)?,
                None => None,
            },
        };
        if bound.as_deref() == Some(check) { Ok(()) } else { Err(StorageError::OtherInstanceKey) }
    }

    /// Forgets the instance key of the servers, which is lost, with the second factors, whose secrets it has encrypted:
    /// the next server that starts brings a new key. Returns how many accounts had a second factor.
    pub async fn forget_instance_key(&self) -> Result<u64, StorageError> {
        let tx = self.begin().await?;
        let factors = tx.execute(self.statement("DELETE FROM second_factors", [])).await?;
        tx.execute(self.statement(FORGET, [])).await?;
        tx.commit().await?;
        Ok(factors)
    }
}
