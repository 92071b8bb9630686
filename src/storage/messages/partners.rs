//! Who of many users are partners of one, and how well a receiver knows a sender.

use std::collections::BTreeSet;

use crate::domain::{Acquaintance, DirectKey, UserId};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::tx::Tx as _;
use crate::storage::{Storage, StorageError};

/// Finds the partners among users, each with the user who asks and the key of their conversation. `CROSS JOIN` fixes
/// the join order on SQLite.
const PARTNERS: &str = "WITH {rows} SELECT v.column1 FROM v CROSS JOIN conversations AS c \
     CROSS JOIN members AS mine CROSS JOIN members AS theirs WHERE c.direct_key = v.column3 \
     AND mine.user_id = v.column2 AND mine.conversation_id = c.id AND mine.newest_inbound IS NOT NULL \
     AND theirs.user_id = v.column1 AND theirs.conversation_id = c.id AND theirs.newest_inbound IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM blocks AS b WHERE (b.user_id = v.column1 AND b.other_id = v.column2) \
     OR (b.user_id = v.column2 AND b.other_id = v.column1))";

/// What limits a message of the user `$1` to the user `$2`, whose direct key is `$3`.
const ACQUAINTANCE: &str = "SELECT (SELECT COUNT(*) FROM conversations WHERE direct_key = $3), \
     (SELECT COUNT(*) FROM conversations AS c JOIN members AS mine ON mine.conversation_id = c.id \
     WHERE c.direct_key = $3 AND mine.user_id = $1 AND mine.newest_inbound IS NOT NULL), \
     (SELECT COUNT(*) FROM users WHERE id = $2), (SELECT COUNT(*) FROM blocks \
     WHERE (user_id = $1 AND other_id = $2) OR (user_id = $2 AND other_id = $1))";

impl Storage {
    /// Returns how well `receiver` knows `sender`; `None` when one has blocked the other, or there is no such receiver.
    pub async fn acquaintance(&self, sender: UserId, receiver: UserId) -> Result<Option<Acquaintance>, StorageError> {
        let direct = DirectKey::new(sender, receiver);
        let values = [sender.0.into(), receiver.0.into(), direct.get().into()];
        let row = self.reads.query_one(self.statement(ACQUAINTANCE, values)).await?;
        let row = row.ok_or(StorageError::Corrupt("a query without a row"))?;
        let (conversations, written, users, blocks): (i64, i64, i64, i64) = row.read()?;
        if blocks > 0 || users == 0 {
            return Ok(None);
        }
        let known = if written > 0 { Acquaintance::Partner } else { Acquaintance::Stranger };
        Ok(Some(if conversations > 0 { known } else { Acquaintance::None }))
    }

    /// Returns how many of these users are neither `user` nor partners of `user`: of two partners each has written to
    /// the other, and neither has blocked the other.
    pub async fn count_strangers(&self, user: UserId, others: &[UserId]) -> Result<u32, StorageError> {
        let others: BTreeSet<UserId> = others.iter().copied().filter(|other| *other != user).collect();
        let asked = others
            .iter()
            .map(|other| [Cell::Int(other.0), Cell::Int(user.0), Cell::BigInt(DirectKey::new(user, *other).get())]);
        let mut partners = 0;
        for statement in Bulk::new(asked).statements(self.backend(), PARTNERS) {
            partners += self.reads.query(statement).await?.len();
        }
        Ok(u32::try_from(others.len().saturating_sub(partners)).unwrap_or(u32::MAX))
    }
}
