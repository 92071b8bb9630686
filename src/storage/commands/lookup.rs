//! Conversations and users, from the cache or from the store.

use crate::domain::{Conversation, DirectKey, User, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::commands::cache::{CachedConversation, CachedUser};
use crate::storage::engine::tx::Tx as _;
use crate::storage::messages::conversations::DIRECT_CONVERSATION;

const MAKE_DIRECT_CONVERSATION: &str = "INSERT INTO conversations (direct_key) VALUES ($1) RETURNING id";
const MAKE_MEMBER: &str = "INSERT INTO members (user_id, conversation_id) VALUES ($1, $2)";
const IS_BLOCKED: &str =
    "SELECT 1 FROM blocks WHERE (user_id = $1 AND other_id = $2) OR (user_id = $2 AND other_id = $1) LIMIT 1";

impl Batch<'_> {
    /// Finds the conversation that a command names, if it exists.
    pub(super) async fn conversation(&mut self, key: DirectKey) -> Result<Option<CachedConversation>, StorageError> {
        if let Some(known) = self.cache.conversations.get(&key) {
            return Ok(Some(*known));
        }
        let statement = self.statement(DIRECT_CONVERSATION, [key.get().into()]);
        let Some(row) = self.tx.query_one(statement).await? else { return Ok(None) };
        let is_blocked = self.is_blocked(key).await?;
        let found = CachedConversation { id: row.get(0)?, is_blocked };
        self.cache.conversations.put(key, found);
        Ok(Some(found))
    }

    /// Makes the conversation that a command names. Its members must exist, and neither may have blocked the other.
    pub(super) async fn make_conversation(&mut self, key: DirectKey) -> Result<CachedConversation, StorageError> {
        let made = self.tx.query_one(self.statement(MAKE_DIRECT_CONVERSATION, [key.get().into()])).await?;
        let id = made.ok_or(StorageError::Corrupt("a conversation without an id"))?.get(0)?;
        let conversation = Conversation { id, direct: key };
        for user in conversation.members() {
            self.execute(MAKE_MEMBER, [user.0.into(), id.0.into()]).await?;
        }
        let made = CachedConversation { id, is_blocked: false };
        self.cache.conversations.put(key, made);
        Ok(made)
    }

    /// Returns whether one of the two has blocked the other.
    pub(super) async fn is_blocked(&self, key: DirectKey) -> Result<bool, StorageError> {
        let [a, b] = key.sides();
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
