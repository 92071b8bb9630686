//! Who of many users are partners of one.

use std::collections::BTreeSet;

use crate::domain::{DirectKey, UserId};
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

impl Storage {
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
