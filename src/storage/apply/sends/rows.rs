//! The rows of stored messages.

use std::collections::BTreeMap;

use super::Accepted;
use crate::domain::{ConversationId, MessageId, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::apply::Batch;
use crate::storage::list::{Column, List};

use Column::{BigInt, Bytes, Int, Text};

/// A message whose name is there already is left out.
const INSERT_MESSAGES: &str = "INSERT INTO messages \
     (id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, expires_at) \
     SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, NULLIF(v.column7, ''), \
     CASE WHEN length(v.column8) > 0 THEN v.column8 END, NULLIF(v.column9, 0), NULLIF(v.column10, 0) \
     FROM {rows} WHERE v.column1 IS NOT NULL \
     ON CONFLICT (client_id, sender_id) WHERE client_id IS NOT NULL DO NOTHING";

const INSERT_BODIES: &str = "INSERT INTO bodies (id, sender_copy, receiver_copy) \
     SELECT v.column1, v.column2, v.column3 FROM {rows} WHERE v.column1 IS NOT NULL";

const SET_NEWEST: &str =
    "UPDATE conversations SET newest_message_id = v.column2 FROM {rows} WHERE conversations.id = v.column1";

const COUNT_UNREAD: &str = "UPDATE members SET unread = unread + v.column3, newest_inbound = v.column4 FROM {rows} \
     WHERE members.user_id = v.column1 AND members.conversation_id = v.column2";

pub(super) fn bodies(accepted: &[Accepted]) -> List<3> {
    let rows = accepted.iter().map(|Accepted { message: m, .. }| {
        [m.id.0.into(), m.sender_copy.as_bytes().into(), m.receiver_copy.as_bytes().into()]
    });
    List::new([BigInt, Bytes, Bytes], rows)
}

/// Each conversation and its newest message of this batch.
pub(super) fn newest(accepted: &[Accepted]) -> List<2> {
    // Later messages overwrite earlier ones of the same conversation. In the order of the table, page by page.
    let newest: BTreeMap<ConversationId, MessageId> =
        accepted.iter().map(|a| (a.message.conversation_id, a.message.id)).collect();
    List::new([BigInt; 2], newest.into_iter().map(|(conversation, id)| [conversation.0.into(), id.0.into()]))
}

/// What is new to each receiver.
pub(super) fn unread(accepted: &[Accepted]) -> List<4> {
    let mut unread: BTreeMap<(UserId, ConversationId), (i64, MessageId)> = BTreeMap::new();
    for message in accepted.iter().map(|a| &a.message).filter(|m| m.sender != m.receiver) {
        let (count, newest) = unread.entry((message.receiver, message.conversation_id)).or_insert((0, message.id));
        *count += 1;
        *newest = message.id;
    }
    let rows = unread.into_iter().map(|((user, conversation), (count, newest))| {
        [user.0.into(), conversation.0.into(), count.into(), newest.0.into()]
    });
    List::new([Int, BigInt, BigInt, BigInt], rows)
}

impl Batch<'_> {
    /// Answers how many were inserted.
    pub(super) async fn insert(&self, accepted: &[Accepted]) -> Result<usize, StorageError> {
        let rows = accepted.iter().map(|Accepted { message: m, content_hash, .. }| {
            [
                m.id.0.into(),
                m.conversation_id.0.into(),
                m.sender.0.into(),
                m.receiver.0.into(),
                m.message_type.as_str().into(),
                m.timestamp.as_micros().into(),
                m.client_id.as_deref().unwrap_or_default().into(),
                content_hash.as_ref().map_or(Vec::new(), |hash| hash.to_vec()).into(),
                m.reply_to.map_or(0, |id| id.0).into(),
                m.expires_at.map_or(0, Timestamp::as_micros).into(),
            ]
        });
        let columns = [BigInt, BigInt, Int, Int, Text, BigInt, Text, Bytes, BigInt, BigInt];
        let inserted = self.execute_with(INSERT_MESSAGES, List::new(columns, rows)).await?;
        Ok(usize::try_from(inserted).unwrap_or(usize::MAX))
    }

    pub(super) async fn insert_bodies(&self, rows: List<3>) -> Result<u64, StorageError> {
        self.execute_with(INSERT_BODIES, rows).await
    }

    /// Points conversations at their newest messages.
    pub(super) async fn set_newest(&self, rows: List<2>) -> Result<u64, StorageError> {
        self.execute_with(SET_NEWEST, rows).await
    }

    /// Counts for receivers what is new to them.
    pub(super) async fn count_unread(&self, rows: List<4>) -> Result<u64, StorageError> {
        self.execute_with(COUNT_UNREAD, rows).await
    }
}
