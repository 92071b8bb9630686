//! Which conversation a message belongs to; made with its first message.

use std::collections::HashMap;

use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
};

use super::append::Refusal;
use super::entity::{conversation, member, user};
use super::{Storage, StorageError};
use crate::domain::{ConversationId, DirectKey, Draft, UserId};

/// Conversations a transaction has found or made; valid for others once it has committed.
pub(super) type Found = HashMap<DirectKey, Option<ConversationId>>;

impl Storage {
    /// The conversation of each draft, made where it is missing, and what to [remember](Self::remember) after the commit.
    pub(super) async fn conversations_of(
        &self,
        tx: &DatabaseTransaction,
        drafts: &[Draft],
    ) -> Result<(Vec<Result<ConversationId, Refusal>>, Found), StorageError> {
        let mut found = Found::new();
        let mut answers = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let key = DirectKey::new(draft.sender, draft.receiver);
            let known = self.remembered(key).map(Some).or_else(|| found.get(&key).copied());
            let id = if let Some(id) = known {
                id
            } else {
                let id = find_or_create(tx, key, draft).await?;
                found.insert(key, id);
                id
            };
            answers.push(id.ok_or(Refusal::UnknownUser));
        }
        Ok((answers, found))
    }

    /// Keeps what a committed transaction found.
    pub(super) fn remember(&self, found: Found) {
        let mut cache = self.cache();
        for (key, id) in found {
            if let Some(id) = id {
                cache.put(key, id);
            }
        }
    }

    /// The conversation of two users, if they have one.
    pub(super) async fn conversation_between(
        &self,
        a: UserId,
        b: UserId,
    ) -> Result<Option<ConversationId>, StorageError> {
        find(&self.reader, DirectKey::new(a, b)).await
    }

    fn remembered(&self, key: DirectKey) -> Option<ConversationId> {
        self.cache().get(&key).copied()
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, lru::LruCache<DirectKey, ConversationId>> {
        // A map of plain values is whole after any panic.
        self.conversations.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn find(db: &impl ConnectionTrait, key: DirectKey) -> Result<Option<ConversationId>, StorageError> {
    let row = conversation::Entity::find().filter(conversation::Column::DirectKey.eq(key.get())).one(db).await?;
    Ok(row.map(|row| ConversationId(row.id)))
}

/// `None` when the receiver does not exist.
async fn find_or_create(
    tx: &DatabaseTransaction,
    key: DirectKey,
    draft: &Draft,
) -> Result<Option<ConversationId>, StorageError> {
    if let Some(id) = find(tx, key).await? {
        return Ok(Some(id));
    }
    if user::Entity::find_by_id(draft.receiver.0).one(tx).await?.is_none() {
        return Ok(None);
    }
    let row =
        conversation::ActiveModel { direct_key: Set(key.get()), newest_message_id: Set(None), ..Default::default() };
    let id = conversation::Entity::insert(row).exec(tx).await?.last_insert_id;
    let mut members = vec![draft.sender];
    if draft.receiver != draft.sender {
        members.push(draft.receiver);
    }
    let rows = members.into_iter().map(|user| member::ActiveModel { user_id: Set(user.0), conversation_id: Set(id) });
    member::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(Some(ConversationId(id)))
}
