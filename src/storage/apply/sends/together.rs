//! The rows of stored messages, on PostgreSQL: all tables in one statement, since each statement is a round trip.

use std::collections::HashSet;

use sea_orm::{DatabaseBackend, Statement};

use super::{Accepted, rows};
use crate::domain::MessageId;
use crate::storage::StorageError;
use crate::storage::list::{Cell, List};
use crate::storage::transaction::{Statements as _, Transaction};

use Cell::{BigInt, Bytes};

/// A message whose name is there already is left out, and counted nowhere; only its ciphertexts are there, until they are
/// [taken out](take_out): to leave them out here, the rows would have to be joined with those inserted, by a planner that knows
/// nothing of either.
const INSERT: &str = "WITH {rows}, \
     m AS (INSERT INTO messages \
     (id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, expires_at) \
     SELECT column1, column2, column3, column4, column5, column6, NULLIF(column7, ''), \
     CASE WHEN length(column8) > 0 THEN column8 END, NULLIF(column9, 0), NULLIF(column10, 0) FROM v \
     ON CONFLICT (client_id, sender_id) WHERE client_id IS NOT NULL DO NOTHING \
     RETURNING id, conversation_id, sender_id, receiver_id), \
     b AS (INSERT INTO bodies (id, sender_copy, receiver_copy) SELECT column1, column11, column12 FROM v), \
     c AS (UPDATE conversations SET newest_message_id = n.id \
     FROM (SELECT conversation_id, MAX(id) AS id FROM m GROUP BY conversation_id) AS n \
     WHERE conversations.id = n.conversation_id), \
     u AS (UPDATE members SET unread = unread + n.new, newest_inbound = n.id \
     FROM (SELECT receiver_id, conversation_id, COUNT(*) AS new, MAX(id) AS id FROM m WHERE sender_id <> receiver_id \
     GROUP BY receiver_id, conversation_id) AS n \
     WHERE members.user_id = n.receiver_id AND members.conversation_id = n.conversation_id) \
     SELECT COUNT(*) FROM m";

const TAKE_OUT: &str = "WITH {rows} DELETE FROM bodies USING v WHERE bodies.id = v.column1";

/// Answers how many were inserted.
pub(super) async fn insert(tx: &Transaction, accepted: &[Accepted]) -> Result<u64, StorageError> {
    let rows = accepted.iter().map(|accepted| {
        let [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at] =
            rows::message(accepted);
        let (own, theirs) = (&accepted.message.sender_copy, &accepted.message.receiver_copy);
        let (own, theirs) = (Bytes(own.as_bytes()), Bytes(theirs.as_bytes()));
        [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, own, theirs]
    });
    let mut inserted = 0;
    for statement in on_postgres(&List::new(rows), INSERT) {
        for row in tx.rows(statement).await? {
            inserted += u64::try_from(row.get::<i64>(0)?).unwrap_or_default();
        }
    }
    Ok(inserted)
}

/// Removes the ciphertexts of those of `tried` that are not among the `inserted`.
pub(super) async fn take_out(tx: &Transaction, tried: &[MessageId], inserted: &[Accepted]) -> Result<(), StorageError> {
    let inserted: HashSet<MessageId> = inserted.iter().map(|accepted| accepted.message.id).collect();
    let rest = tried.iter().filter(|id| !inserted.contains(id)).map(|id| [BigInt(id.0)]);
    for statement in on_postgres(&List::new(rest), TAKE_OUT) {
        tx.run(statement).await?;
    }
    Ok(())
}

fn on_postgres<const N: usize>(rows: &List<'_, N>, sql: &str) -> Vec<Statement> {
    rows.statements(DatabaseBackend::Postgres, sql)
}
