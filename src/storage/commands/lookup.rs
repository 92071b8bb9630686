//! Conversations and users, from the cache or from the store.

use crate::domain::{ConversationId, DirectKey, User, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::commands::cache::{CachedConversation, CachedUser};
use crate::storage::engine::tx::Tx as _;

/// Finds the conversation with the direct key `$1`.
pub(in crate::storage) const CONVERSATION: &str = "SELECT id FROM conversations WHERE direct_key = $1";
const MAKE_CONVERSATION: &str = "INSERT INTO conversations (direct_key) VALUES ($1) RETURNING id";
const MAKE_MEMBER: &str = "INSERT INTO members (user_id, conversation_id) VALUES ($1, $2)";
const IS_BLOCKED: &str =
    "SELECT 1 FROM blocks WHERE (user_id = $1 AND other_id = $2) OR (user_id = $2 AND other_id = $1) LIMIT 1";

impl Batch<'_> {
    /// Returns the conversation of two users, if they have one.
    pub(super) async fn conversation(
        &mut self,
        a: UserId,
        b: UserId,
    ) -> Result<Option<CachedConversation>, StorageError> {
        let key = DirectKey::new(a, b);
        if let Some(known) = self.cache.conversations.get(&key) {
            return Ok(Some(*known));
        }
        let statement = self.statement(CONVERSATION, [key.get().into()]);
        let Some(row) = self.tx.query_one(statement).await? else { return Ok(None) };
        let is_blocked = self.is_blocked(a, b).await?;
        let found = CachedConversation { id: row.get(0)?, is_blocked };
        self.cache.conversations.put(key, found);
        Ok(Some(found))
    }

    /// Makes the conversation of two users. Both must exist.
    pub(super) async fn make_conversation(&mut self, a: UserId, b: UserId) -> Result<CachedConversation, StorageError> {
        let key = DirectKey::new(a, b);
        let made = self.tx.query_one(self.statement(MAKE_CONVERSATION, [key.get().into()])).await?;
        let id: i64 = made.ok_or(StorageError::Corrupt("a conversation without an id"))?.get(0)?;
        for user in if a == b { vec![a] } else { vec![a, b] } {
            self.execute(MAKE_MEMBER, [user.0.into(), id.into()]).await?;
        }
        let made = CachedConversation { id: ConversationId(id), is_blocked: false };
        self.cache.conversations.put(key, made);
        Ok(made)
    }

    /// Whether one of the two has blocked the other.
    pub(super) async fn is_blocked(&self, a: UserId, b: UserId) -> Result<bool, StorageError> {
        let statement = self.statement(IS_BLOCKED, [a.0.into(), b.0.into()]);
        Ok(self.tx.query_one(statement).await?.is_some())
    }

    /// Returns a user; `None` when there is no such user.
    pub(super) async fn user(&mut self, id: UserId) -> Result<Option<CachedUser>, StorageError> {
        if let Some(known) = self.cache.users.get(&id) {
            return Ok(Some(known.clone()));
        }
        let sql = "SELECT public_key, read_receipts FROM users WHERE id = $1";
        let Some(row) = self.tx.query_one(self.statement(sql, [id.0.into()])).await? else { return Ok(None) };
        let (public_key, read_receipts) = row.read()?;
        let user = User { id, name: String::new(), public_key };
        let found = CachedUser { key_id: user.key_id(), read_receipts };
        self.cache.users.put(id, found.clone());
        Ok(Some(found))
    }
}
