//! Conversations that a batch makes, all at once.

use crate::domain::{Conversation, ConversationId, DirectKey};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::commands::cache::CachedConversation;
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::tx::Transaction;

/// Makes conversations with their members, unless another process has made them since they were looked up. The sides
/// are in the direct key; those of a self-chat are one.
const MAKE: &str = "WITH {rows}, made AS (INSERT INTO conversations (direct_key) SELECT v.column1 FROM v \
     ON CONFLICT (direct_key) DO UPDATE SET direct_key = excluded.direct_key RETURNING id, direct_key), \
     joined AS (INSERT INTO members (user_id, conversation_id) \
     SELECT CAST(direct_key >> 32 AS INTEGER), id FROM made \
     UNION SELECT CAST(direct_key & 4294967295 AS INTEGER), id FROM made ON CONFLICT DO NOTHING) \
     SELECT id, direct_key FROM made";

/// The same on SQLite.
const MAKE_ONE: &str = "INSERT INTO conversations (direct_key) VALUES (?1) RETURNING id, direct_key";
const MEMBER: &str = "INSERT INTO members (user_id, conversation_id) VALUES (?1, ?2)";

impl Batch<'_> {
    /// Makes conversations, which go into the cache. Their members must exist, and neither may have blocked the other.
    pub(super) async fn make_conversations(&mut self, keys: &[DirectKey]) -> Result<(), StorageError> {
        let list = Bulk::new(keys.iter().map(|direct| [Cell::BigInt(direct.get())]));
        let sql = if matches!(self.tx, Transaction::Sqlite(_)) { MAKE_ONE } else { MAKE };
        let mut made = Vec::with_capacity(keys.len());
        for row in self.tx.query_each(sql, &list).await? {
            let (id, direct): (ConversationId, DirectKey) = row.read()?;
            made.push(Conversation { id, direct });
            self.cache.conversations.put(direct, CachedConversation { id, is_blocked: false, has_written: [false; 2] });
        }
        if let Transaction::Sqlite(tx) = &self.tx {
            let members = made.iter().flat_map(|made| made.members().map(|user| (user, made.id)));
            tx.execute_each(MEMBER, members.map(|(user, id)| [Cell::Int(user.0), Cell::BigInt(id.0)]))?;
        }
        Ok(())
    }
}
