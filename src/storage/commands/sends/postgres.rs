//! The rows of stored messages, on PostgreSQL: all tables in one statement, since each statement is a round trip.

use std::collections::HashSet;

use crate::domain::MessageId;
use crate::storage::StorageError;
use crate::storage::commands::sends::{Accepted, sqlite};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::postgres::batches::PostgresTransaction;

use Cell::{BigInt, Bytes};

/// Inserts messages with everything beside them. A message whose client id is in use is left out and counted nowhere;
/// only its ciphertexts are inserted, until they are [deleted](delete_bodies_of_retries): to leave them out here, the
/// rows would have to be joined with those inserted, by a planner that knows nothing of either. Each table has its own
/// part of the arrays: rows that all share would be kept in between.
const INSERT: &str = "WITH m AS (INSERT INTO messages \
     (id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, \
     expires_at) \
     SELECT v.id, v.conversation_id, v.sender_id, v.receiver_id, v.message_type, v.timestamp, \
     NULLIF(v.client_id, ''), CASE WHEN length(v.content_hash) > 0 THEN v.content_hash END, \
     NULLIF(v.reply_to, 0), NULLIF(v.expires_at, 0) \
     FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::bigint[], $7::text[], \
     $8::bytea[], $9::bigint[], $10::bigint[]) AS v (id, conversation_id, sender_id, receiver_id, message_type, \
     timestamp, client_id, content_hash, reply_to, expires_at) \
     {once} RETURNING id, conversation_id, sender_id, receiver_id), \
     bodies_of_m AS (INSERT INTO bodies (id, sender_copy, receiver_copy) \
     SELECT v.id, v.sender_copy, v.receiver_copy \
     FROM UNNEST($1::bigint[], $11::bytea[], $12::bytea[]) AS v (id, sender_copy, receiver_copy)), \
     newest_of_m AS (UPDATE conversations SET newest_message_id = n.id \
     FROM (SELECT conversation_id, MAX(id) AS id FROM m GROUP BY conversation_id) AS n \
     WHERE conversations.id = n.conversation_id), \
     unread_of_m AS (UPDATE members SET unread = unread + n.count, newest_inbound = n.id \
     FROM (SELECT receiver_id, conversation_id, COUNT(*) AS count, MAX(id) AS id FROM m WHERE sender_id <> receiver_id \
     GROUP BY receiver_id, conversation_id) AS n \
     WHERE members.user_id = n.receiver_id AND members.conversation_id = n.conversation_id) \
     SELECT COUNT(*) FROM m";

/// Leaves out retries. Used only where messages have client ids: PostgreSQL writes a row that may be left out in two
/// steps, each with an entry in its log.
const ONCE: &str = "ON CONFLICT (client_id, sender_id) WHERE client_id IS NOT NULL DO NOTHING";

const DELETE_BODIES: &str = "DELETE FROM bodies WHERE id = ANY($1::bigint[])";

/// Inserts messages with everything beside them, and returns how many were inserted.
pub(super) async fn insert(tx: &PostgresTransaction, accepted: &[Accepted]) -> Result<u64, StorageError> {
    let rows = accepted.iter().map(|accepted| {
        let [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at] =
            sqlite::message(accepted);
        let (own, theirs) = (&accepted.message.sender_copy, &accepted.message.receiver_copy);
        let (own, theirs) = (Bytes(own.as_bytes()), Bytes(theirs.as_bytes()));
        [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, own, theirs]
    });
    let once = if accepted.iter().any(|accepted| accepted.message.client_id.is_some()) { ONCE } else { "" };
    let found = tx.query_with(INSERT.replace("{once}", once), &Bulk::new(rows)).await?;
    let count: i64 = found.first().map_or(Ok(0), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Removes the ciphertexts of those of `tried` that are not among the `inserted`.
pub(super) async fn delete_bodies_of_retries(
    tx: &PostgresTransaction,
    tried: &[MessageId],
    inserted: &[Accepted],
) -> Result<(), StorageError> {
    let inserted: HashSet<MessageId> = inserted.iter().map(|accepted| accepted.message.id).collect();
    let rest = tried.iter().filter(|id| !inserted.contains(id)).map(|id| [BigInt(id.0)]);
    tx.query_with(DELETE_BODIES.to_owned(), &Bulk::new(rest)).await?;
    Ok(())
}
