//! The rows of stored messages.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait as _, Statement};

use super::Accepted;
use crate::domain::{ConversationId, MessageId, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::apply::Batch;
use crate::storage::list::{Cell, List};

use Cell::{BigInt, Bytes, Int, Text};

/// A message whose name is there already is left out.
const INSERT_MESSAGES: &str = "WITH {rows} INSERT INTO messages \
     (id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, expires_at) \
     SELECT v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, NULLIF(v.column7, ''), \
     CASE WHEN length(v.column8) > 0 THEN v.column8 END, NULLIF(v.column9, 0), NULLIF(v.column10, 0) \
     FROM v WHERE v.column1 IS NOT NULL \
     ON CONFLICT (client_id, sender_id) WHERE client_id IS NOT NULL DO NOTHING";

const INSERT_BODIES: &str = "WITH {rows} INSERT INTO bodies (id, sender_copy, receiver_copy) \
     SELECT v.column1, v.column2, v.column3 FROM v WHERE v.column1 IS NOT NULL";

const SET_NEWEST: &str =
    "WITH {rows} UPDATE conversations SET newest_message_id = v.column2 FROM v WHERE conversations.id = v.column1";

const COUNT_UNREAD: &str = "WITH {rows} UPDATE members SET unread = unread + v.column3, newest_inbound = v.column4 FROM v \
     WHERE members.user_id = v.column1 AND members.conversation_id = v.column2";

/// Each conversation and its newest message of this batch.
fn newest(accepted: &[Accepted]) -> List<'static, 2> {
    // Later messages overwrite earlier ones of the same conversation. In the order of the table, page by page.
    let newest: BTreeMap<ConversationId, MessageId> =
        accepted.iter().map(|a| (a.message.conversation_id, a.message.id)).collect();
    List::new(newest.into_iter().map(|(conversation, id)| [BigInt(conversation.0), BigInt(id.0)]))
}

/// What is new to each receiver.
fn unread(accepted: &[Accepted]) -> List<'static, 4> {
    let mut unread: BTreeMap<(UserId, ConversationId), (i64, MessageId)> = BTreeMap::new();
    for message in accepted.iter().map(|a| &a.message).filter(|m| m.sender != m.receiver) {
        let (count, newest) = unread.entry((message.receiver, message.conversation_id)).or_insert((0, message.id));
        *count += 1;
        *newest = message.id;
    }
    List::new(unread.into_iter().map(|((user, conversation), (count, newest))| {
        [Int(user.0), BigInt(conversation.0), BigInt(count), BigInt(newest.0)]
    }))
}

impl Batch<'_> {
    pub(super) fn messages(&self, accepted: &[Accepted]) -> Vec<Statement> {
        let rows = accepted.iter().map(|Accepted { message: m, content_hash, .. }| {
            [
                BigInt(m.id.0),
                BigInt(m.conversation_id.0),
                Int(m.sender.0),
                Int(m.receiver.0),
                Text(&m.message_type),
                BigInt(m.timestamp.as_micros()),
                Text(m.client_id.as_deref().unwrap_or_default()),
                Bytes(content_hash.as_ref().map_or(&[], |hash| hash)),
                BigInt(m.reply_to.map_or(0, |id| id.0)),
                BigInt(m.expires_at.map_or(0, Timestamp::as_micros)),
            ]
        });
        List::new(rows).statements(self.storage.backend(), INSERT_MESSAGES)
    }

    /// Everything but the messages themselves.
    pub(super) fn beside(&self, accepted: &[Accepted]) -> Vec<Statement> {
        let backend = self.storage.backend();
        let bodies = accepted.iter().map(|Accepted { message: m, .. }| {
            [BigInt(m.id.0), Bytes(m.sender_copy.as_bytes()), Bytes(m.receiver_copy.as_bytes())]
        });
        let mut statements = List::new(bodies).statements(backend, INSERT_BODIES);
        statements.extend(newest(accepted).statements(backend, SET_NEWEST));
        statements.extend(unread(accepted).statements(backend, COUNT_UNREAD));
        statements
    }

    /// Answers how many rows were affected.
    pub(super) async fn execute_all(&self, statements: Vec<Statement>) -> Result<u64, StorageError> {
        let mut affected = 0;
        for statement in statements {
            affected += self.tx.execute_raw(statement).await?.rows_affected();
        }
        Ok(affected)
    }
}
