//! Logins that wait for a code: the password was right.

use crate::domain::{CHALLENGE_TRIES, NewChallenge, Timestamp, UserId};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::people::logins::Hash;
use crate::storage::{Storage, StorageError};

const CREATE: &str = "INSERT INTO login_challenges (hash, user_id, proof, tries_left, expires_at) \
     VALUES ($1, $2, $3, $4, $5)";
const FIND: &str = "SELECT user_id FROM login_challenges WHERE hash = $1 AND expires_at > $2 AND tries_left > 0";
/// Takes a try before the code is looked at, so that many at once are no more than many one after the other.
const TRY: &str = "UPDATE login_challenges SET tries_left = tries_left - 1 \
     WHERE hash = $1 AND expires_at > $2 AND tries_left > 0 RETURNING proof";
const CONSUME: &str = "DELETE FROM login_challenges WHERE hash = $1";

impl Storage {
    /// Stores a login that waits for a code.
    pub async fn create_challenge(&self, user: UserId, new: NewChallenge) -> Result<(), StorageError> {
        let tx = self.begin().await?;
        let values = [
            new.hash.to_vec().into(),
            user.0.into(),
            new.proof.to_vec().into(),
            CHALLENGE_TRIES.into(),
            new.expires_at.as_micros().into(),
        ];
        tx.execute(self.statement(CREATE, values)).await?;
        tx.commit().await
    }

    /// Returns the user whose login waits under this hash.
    pub async fn challenged_user(&self, hash: Hash, now: Timestamp) -> Result<Option<UserId>, StorageError> {
        let statement = self.statement(FIND, [hash.to_vec().into(), now.as_micros().into()]);
        self.reads.query_one(statement).await?.map(|row| row.get(0)).transpose()
    }

    /// Takes one of the tries, and returns the SHA-256 of the password's hash that was right. `None` when there is no
    /// try left, or no such login.
    pub async fn try_challenge(&self, hash: Hash, now: Timestamp) -> Result<Option<Vec<u8>>, StorageError> {
        let tx = self.begin().await?;
        let row = tx.query_one(self.statement(TRY, [hash.to_vec().into(), now.as_micros().into()])).await?;
        tx.commit().await?;
        row.map(|row| row.get(0)).transpose()
    }

    /// Ends the wait. Returns false when another request has ended it.
    pub(in crate::storage) async fn consume_challenge(
        &self,
        tx: &PoolTransaction,
        hash: &Hash,
    ) -> Result<bool, StorageError> {
        Ok(tx.execute(self.statement(CONSUME, [hash.to_vec().into()])).await? == 1)
    }
}
