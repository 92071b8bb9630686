//! The rows of stored messages, on SQLite: one prepared statement a table, and a call for each row.

use std::collections::BTreeMap;

use crate::domain::{ConversationId, FrankingTag, MessageId, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::commands::sends::Accepted;
use crate::storage::engine::bulk::Cell;
use crate::storage::engine::sqlite::batches::SqliteTransaction;

use Cell::{BigInt, Bytes, Int, Text};

/// Inserts a message, unless its client id is in use.
const MESSAGE: &str = "INSERT INTO messages \
     (id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, \
     expires_at, franking_tag) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
     ON CONFLICT (client_id, sender_id) WHERE client_id IS NOT NULL DO NOTHING";
const BODY: &str = "INSERT INTO bodies (id, sender_copy, receiver_copy) VALUES (?1, ?2, ?3)";
const NEWEST: &str = "UPDATE conversations SET newest_message_id = ?2 WHERE id = ?1";
const UNREAD: &str =
    "UPDATE members SET unread = unread + ?3, newest_inbound = ?4 WHERE user_id = ?1 AND conversation_id = ?2";

/// Returns a message's cells, in the order of [`MESSAGE`]: of the last five, what is empty or 0 is not there.
pub(super) fn message(Accepted { message: m, content_hash, .. }: &Accepted) -> [Cell<'_>; 11] {
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
        Text(m.franking_tag.as_ref().map_or("", FrankingTag::as_str)),
    ]
}

/// Inserts the messages themselves, and returns how many were inserted.
pub(super) fn insert_messages(tx: &SqliteTransaction, accepted: &[Accepted]) -> Result<u64, StorageError> {
    let rows = accepted.iter().map(|accepted| {
        let [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, tag] = message(accepted);
        let [name, hash, reply_to, expires_at, tag] = [name, hash, reply_to, expires_at, tag].map(there);
        let [id, conversation, sender, receiver, kind, time] =
            [id, conversation, sender, receiver, kind, time].map(Some);
        [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, tag]
    });
    tx.execute_each(MESSAGE, rows)
}

/// Returns a cell that is there.
fn there(cell: Cell<'_>) -> Option<Cell<'_>> {
    match cell {
        Int(0) | BigInt(0) | Text("") | Bytes([]) => None,
        there => Some(there),
    }
}

/// Inserts the ciphertexts, and moves conversations and members.
pub(super) fn insert_beside(tx: &SqliteTransaction, accepted: &[Accepted]) -> Result<(), StorageError> {
    let bodies = accepted.iter().map(|Accepted { message: m, .. }| {
        [BigInt(m.id.0), Bytes(m.sender_copy.as_bytes()), Bytes(m.receiver_copy.as_bytes())]
    });
    tx.execute_each(BODY, bodies)?;
    tx.execute_each(NEWEST, newest(accepted))?;
    tx.execute_each(UNREAD, unread(accepted))?;
    Ok(())
}

/// Returns each conversation and its newest message of this batch.
fn newest(accepted: &[Accepted]) -> impl Iterator<Item = [Cell<'static>; 2]> {
    // Later messages overwrite earlier ones of the same conversation. Sorted as the table is, page by page.
    let newest: BTreeMap<ConversationId, MessageId> =
        accepted.iter().map(|a| (a.message.conversation_id, a.message.id)).collect();
    newest.into_iter().map(|(conversation, id)| [BigInt(conversation.0), BigInt(id.0)])
}

/// Returns what is new to each receiver.
fn unread(accepted: &[Accepted]) -> impl Iterator<Item = [Cell<'static>; 4]> {
    let mut unread: BTreeMap<(UserId, ConversationId), (i64, MessageId)> = BTreeMap::new();
    for message in accepted.iter().map(|a| &a.message).filter(|m| m.sender != m.receiver) {
        let (count, newest) = unread.entry((message.receiver, message.conversation_id)).or_insert((0, message.id));
        *count += 1;
        *newest = message.id;
    }
    unread.into_iter().map(|((user, conversation), (count, newest))| {
        [Int(user.0), BigInt(conversation.0), BigInt(count), BigInt(newest.0)]
    })
}
