//! Storing a batch of messages: numbers, conversations and rows in one transaction.

use std::collections::HashMap;

use sea_orm::{ActiveValue::Set, ConnectionTrait as _, DatabaseTransaction, EntityTrait as _, Value};

use super::entity::message;
use super::{Storage, StorageError};
use crate::domain::{ConversationId, Draft, Message, MessageId, Timestamp};

/// Rows of one statement. A statement's text depends on its rows, so only a few sizes are used and each stays prepared.
const CHUNKS: [usize; 3] = [64, 8, 1];

/// Takes the next numbers and time stamps for `$1` messages. The row's lock makes their order the commit order, on
/// PostgreSQL too, where a sequence would not.
const TAKE_NUMBERS: &str = "UPDATE store SET head = head + $1, \
     clock = CASE WHEN clock < $2 THEN $2 ELSE clock END + $1 WHERE id = 1 RETURNING head, clock";

/// A batch that was committed.
#[derive(Debug)]
pub struct Appended {
    /// The last number given to the batch; those of refused drafts are never used.
    pub last: MessageId,
    /// One result for each draft, in their order.
    pub results: Vec<Result<Message, Refusal>>,
}

/// Why a single draft of a batch was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such receiver.
    UnknownUser,
}

impl Storage {
    /// Stores `drafts` in their order, all in one transaction, and answers one result for each.
    ///
    /// On an error nothing was stored, unless the connection died in the commit: then nobody knows, and
    /// [`committed_since`](Self::committed_since) tells.
    pub async fn append(&self, drafts: Vec<Draft>, now: Timestamp) -> Result<Appended, StorageError> {
        let count = i64::try_from(drafts.len()).map_err(|_| StorageError::Corrupt("a batch beyond 2^63"))?;
        let tx = self.begin().await?;
        let (head, clock) = self.take_numbers(&tx, count, now).await?;
        let (conversations, created) = self.conversations_of(&tx, &drafts).await?;

        let first = head - count + 1;
        let mut results = Vec::with_capacity(drafts.len());
        for ((offset, draft), conversation) in (0..).zip(drafts).zip(conversations) {
            let place = (MessageId(first + offset), Timestamp::from_micros(clock - count + 1 + offset));
            results.push(conversation.map(|conversation_id| message_of(draft, conversation_id, place)));
        }
        insert(&tx, results.iter().flatten()).await?;
        self.set_newest(&tx, results.iter().flatten()).await?;
        tx.commit().await?;

        self.remember(created);
        Ok(Appended { last: MessageId(head), results })
    }

    async fn take_numbers(
        &self,
        tx: &DatabaseTransaction,
        count: i64,
        now: Timestamp,
    ) -> Result<(i64, i64), StorageError> {
        let statement = self.statement(TAKE_NUMBERS, [count.into(), now.as_micros().into()]);
        let row = tx.query_one_raw(statement).await?.ok_or(StorageError::Corrupt("the store row is missing"))?;
        Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))
    }

    /// Points each conversation at its newest message of this batch.
    async fn set_newest(
        &self,
        tx: &DatabaseTransaction,
        stored: impl Iterator<Item = &Message>,
    ) -> Result<(), StorageError> {
        // Later messages overwrite earlier ones of the same conversation.
        let newest: HashMap<ConversationId, MessageId> = stored.map(|m| (m.conversation_id, m.id)).collect();
        let pairs: Vec<(ConversationId, MessageId)> = newest.into_iter().collect();
        for chunk in chunks(&pairs) {
            let rows = (0..chunk.len())
                .map(|i| format!("(CAST(${} AS BIGINT), CAST(${} AS BIGINT))", 2 * i + 1, 2 * i + 2))
                .collect::<Vec<_>>()
                .join(", ");
            let sql = format!(
                "UPDATE conversations SET newest_message_id = v.column2 FROM (VALUES {rows}) AS v \
                 WHERE conversations.id = v.column1"
            );
            let values = chunk.iter().flat_map(|(conversation, id)| [Value::from(conversation.0), Value::from(id.0)]);
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        Ok(())
    }
}

fn message_of(draft: Draft, conversation_id: ConversationId, (id, timestamp): (MessageId, Timestamp)) -> Message {
    Message {
        id,
        conversation_id,
        sender: draft.sender,
        receiver: draft.receiver,
        sender_copy: draft.sender_copy.into_string(),
        receiver_copy: draft.receiver_copy.into_string(),
        message_type: draft.message_type.as_str().to_owned(),
        timestamp,
    }
}

async fn insert(tx: &DatabaseTransaction, stored: impl Iterator<Item = &Message>) -> Result<(), StorageError> {
    let rows: Vec<&Message> = stored.collect();
    for chunk in chunks(&rows) {
        let models = chunk.iter().map(|m| message::ActiveModel {
            id: Set(m.id.0),
            conversation_id: Set(m.conversation_id.0),
            sender_id: Set(m.sender.0),
            receiver_id: Set(m.receiver.0),
            message_type: Set(m.message_type.clone()),
            timestamp: Set(m.timestamp.as_micros()),
            sender_copy: Set(m.sender_copy.clone().into_bytes()),
            receiver_copy: Set(m.receiver_copy.clone().into_bytes()),
        });
        message::Entity::insert_many(models).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Cuts `items` into slices of the sizes in [`CHUNKS`], biggest first.
fn chunks<T>(mut items: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = CHUNKS.into_iter().find(|&size| size <= items.len())?;
        let (chunk, rest) = items.split_at(size);
        items = rest;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::domain::{Ciphertext, EmailAddress, MessageType, PublicKey, UserId, UserName};

    #[test]
    fn chunks_cover_everything_in_order() {
        for len in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
            let items: Vec<usize> = (0..len).collect();
            let all: Vec<usize> = chunks(&items).flat_map(|chunk| chunk.iter().copied()).collect();
            assert_eq!(all, items);
            assert!(chunks(&items).all(|chunk| CHUNKS.contains(&chunk.len())));
        }
    }

    fn draft(text: String) -> Draft {
        let copy = |text| Ciphertext::parse(text, usize::MAX).unwrap();
        Draft {
            sender: UserId(1),
            receiver: UserId(1),
            sender_copy: copy(text),
            receiver_copy: copy("r".to_owned()),
            message_type: MessageType::text(),
        }
    }

    async fn storage(dir: &std::path::Path) -> Storage {
        let mut config = Config::defaults().unwrap();
        config.server.data_dir = dir.to_owned();
        let storage = Storage::open(&config).await.unwrap();
        let name = UserName::parse("alice".to_owned()).unwrap();
        let email = EmailAddress::parse("alice@example.org".to_owned()).unwrap();
        let key = PublicKey::parse("AAAA".to_owned(), false).unwrap();
        let user = storage.create_account(&name, &email, String::new(), &key, Timestamp::from_micros(0)).await;
        assert_eq!(user.unwrap(), UserId(1));
        storage
    }

    /// SQLite rolls back by itself when a write fails, as on a full disk, and the driver does not notice. What is answered as
    /// stored afterwards must be committed: other connections see it.
    #[tokio::test]
    async fn after_a_rollback_behind_the_drivers_back_commits_are_commits() {
        let dir = tempfile::tempdir().unwrap();
        let storage = storage(dir.path()).await;
        for i in 0..5 {
            let tx = storage.begin().await.unwrap();
            tx.execute_unprepared("ROLLBACK").await.unwrap();
            drop(tx);
            // Another failure, which would leave the savepoint open that the driver has made.
            drop(storage.begin().await.unwrap());
            storage.append(vec![draft(i.to_string())], Timestamp::from_micros(i)).await.unwrap();
            let history = storage.history(UserId(1), UserId(1), None, 1).await.unwrap();
            assert_eq!(history.first().map(|m| m.content.clone()), Some(i.to_string()));
        }
        storage.close().await.unwrap();
    }

    #[tokio::test]
    async fn a_batch_in_doubt_is_found_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let storage = storage(dir.path()).await;
        let before = storage.append(vec![draft("old".to_owned())], Timestamp::from_micros(10)).await.unwrap();
        let drafts = (0..600).map(|i| draft(i.to_string())).collect();
        storage.append(drafts, Timestamp::from_micros(1000)).await.unwrap();
        let found = async |after, since, sender| {
            let senders = std::collections::HashSet::from([UserId(sender)]);
            let found = storage.committed_since(after, Timestamp::from_micros(since), &senders).await.unwrap();
            found.into_iter().map(|message| message.sender_copy).collect::<Vec<_>>()
        };
        let all: Vec<String> = (0..600).map(|i| i.to_string()).collect();
        assert_eq!(found(before.last, 1000, 1).await, all);
        assert_eq!(found(MessageId(0), 1000, 1).await, all, "older ones are not of this batch");
        assert!(found(before.last, 1000, 2).await.is_empty(), "another node's are not ours");
        assert!(found(storage.probe_head().await.unwrap(), 0, 1).await.is_empty());
        storage.close().await.unwrap();
    }
}
