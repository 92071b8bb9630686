//! The networks from which users have logged in. The database holds no address of them.

use crate::domain::{NetworkTags, Timestamp, UserId};
use crate::storage::engine::tx::{PoolTransaction, Tx as _};
use crate::storage::{Storage, StorageError};

/// Most networks that are known of a user.
const MAX_NETWORKS: i64 = 16;
/// How long a network is known after its last login, in seconds.
pub(in crate::storage) const KNOWN_S: i64 = 90 * 24 * 60 * 60;

const IS_KNOWN: &str = "SELECT 1 FROM known_networks WHERE user_id = $1 AND tag = $2 AND last_ok_at > $3";
const NOTE: &str = "INSERT INTO known_networks (user_id, tag, network_tag, last_ok_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (user_id, tag) DO UPDATE SET last_ok_at = excluded.last_ok_at";
/// Forgets all but the newest `$2` networks of the user `$1`.
const FORGET_OLDEST: &str = "DELETE FROM known_networks WHERE user_id = $1 AND tag IN \
     (SELECT tag FROM known_networks WHERE user_id = $1 ORDER BY last_ok_at DESC, tag LIMIT 100 OFFSET $2 + 0)";
/// Whether an account that was made before `$2` is known from the network.
const IS_ANYBODYS: &str = "SELECT 1 FROM known_networks AS k JOIN users AS u ON u.id = k.user_id \
     WHERE k.network_tag = $1 AND u.created_at < $2 AND k.last_ok_at > $3 LIMIT 1";

impl Storage {
    /// Returns whether the user has logged in from this network within the last 90 days. For a user that does not exist
    /// it takes the same work.
    pub async fn is_known_network(
        &self,
        user: Option<UserId>,
        tags: &NetworkTags,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let user = user.unwrap_or(UserId(0));
        let values = [user.0.into(), tags.of_user.to_vec().into(), now.plus_secs(-KNOWN_S).as_micros().into()];
        Ok(self.reads.query_one(self.statement(IS_KNOWN, values)).await?.is_some())
    }

    /// Returns whether any account that was made before `made_before` is known from the network with this tag.
    pub async fn is_anybodys_network(
        &self,
        network_tag: &[u8],
        made_before: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let known_since = now.plus_secs(-KNOWN_S);
        let values = [network_tag.to_vec().into(), made_before.as_micros().into(), known_since.as_micros().into()];
        Ok(self.reads.query_one(self.statement(IS_ANYBODYS, values)).await?.is_some())
    }

    /// Notes that the user has logged in from a network, in the transaction of the login.
    pub(in crate::storage) async fn note_network(
        &self,
        tx: &PoolTransaction,
        user: UserId,
        tags: &NetworkTags,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let values =
            [user.0.into(), tags.of_user.to_vec().into(), tags.of_network.to_vec().into(), now.as_micros().into()];
        tx.execute(self.statement(NOTE, values)).await?;
        tx.execute(self.statement(FORGET_OLDEST, [user.0.into(), MAX_NETWORKS.into()])).await?;
        Ok(())
    }
}
