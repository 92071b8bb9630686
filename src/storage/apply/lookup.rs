//! Conversations and users, as a batch needs them: from memory, or from the store.

use sea_orm::{ActiveValue::Set, ConnectionTrait as _, EntityTrait as _};

use super::Batch;
use crate::domain::{ConversationId, DirectKey, UserId};
use crate::storage::StorageError;
use crate::storage::entity::{conversation, member};
use crate::storage::facts::{Conversation, UserFacts};
use crate::storage::users::user;

const IS_BLOCKED: &str =
    "SELECT 1 FROM blocks WHERE (user_id = $1 AND other_id = $2) OR (user_id = $2 AND other_id = $1) LIMIT 1";

impl Batch<'_> {
    /// The conversation of two users, if they have one.
    pub(super) async fn conversation(&mut self, a: UserId, b: UserId) -> Result<Option<Conversation>, StorageError> {
        let key = DirectKey::new(a, b);
        if let Some(known) = self.facts.conversations.get(&key) {
            return Ok(Some(*known));
        }
        let statement = self.statement("SELECT id FROM conversations WHERE direct_key = $1", [key.get().into()]);
        let Some(row) = self.tx.query_one_raw(statement).await? else { return Ok(None) };
        let is_blocked = self.is_blocked(a, b).await?;
        let found = Conversation { id: ConversationId(row.try_get_by_index(0)?), is_blocked };
        self.facts.conversations.put(key, found);
        Ok(Some(found))
    }

    /// The conversation of two users, made when it is missing. Both must exist.
    pub(super) async fn make_conversation(&mut self, a: UserId, b: UserId) -> Result<Conversation, StorageError> {
        let key = DirectKey::new(a, b);
        let row = conversation::ActiveModel {
            direct_key: Set(key.get()),
            newest_message_id: Set(None),
            ..Default::default()
        };
        let id = conversation::Entity::insert(row).exec(&self.tx).await?.last_insert_id;
        let members = if a == b { vec![a] } else { vec![a, b] };
        let rows =
            members.into_iter().map(|user| member::ActiveModel { user_id: Set(user.0), conversation_id: Set(id) });
        member::Entity::insert_many(rows).exec_without_returning(&self.tx).await?;
        let made = Conversation { id: ConversationId(id), is_blocked: false };
        self.facts.conversations.put(key, made);
        Ok(made)
    }

    /// Whether one of the two has blocked the other.
    pub(super) async fn is_blocked(&self, a: UserId, b: UserId) -> Result<bool, StorageError> {
        let statement = self.statement(IS_BLOCKED, [a.0.into(), b.0.into()]);
        Ok(self.tx.query_one_raw(statement).await?.is_some())
    }

    /// What a user has set; `None` when there is no such user.
    pub(super) async fn user(&mut self, id: UserId) -> Result<Option<UserFacts>, StorageError> {
        if let Some(known) = self.facts.users.get(&id) {
            return Ok(Some(known.clone()));
        }
        let sql = "SELECT id, name, public_key, read_receipts FROM users WHERE id = $1";
        let Some(row) = self.tx.query_one_raw(self.statement(sql, [id.0.into()])).await? else { return Ok(None) };
        let found = UserFacts { key_id: user(&row)?.key_id(), read_receipts: row.try_get_by_index(3)? };
        self.facts.users.put(id, found.clone());
        Ok(Some(found))
    }
}
