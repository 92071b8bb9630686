//! The rows of stored messages, on PostgreSQL: all tables in one statement, since each statement is a round trip.

use std::sync::LazyLock;

use crate::storage::StorageError;
use crate::storage::commands::lookup::questions::FoundColumns;
use crate::storage::commands::sends::{Accepted, sqlite};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::postgres::batches::PostgresTransaction;
use crate::storage::engine::row::{Columns as _, Row};

use Cell::Bytes;

/// Inserts messages with everything beside them. A message whose client id is in use is left out; what was stored under
/// it is returned, which is looked for only when there are such. Each table has its own part of the arrays: rows that
/// all share would be kept in between.
const INSERT: &str = "WITH m AS (INSERT INTO messages \
     (id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, \
     expires_at, franking_tag) \
     SELECT v.id, v.conversation_id, v.sender_id, v.receiver_id, v.message_type, v.timestamp, \
     NULLIF(v.client_id, ''), CASE WHEN length(v.content_hash) > 0 THEN v.content_hash END, \
     NULLIF(v.reply_to, 0), NULLIF(v.expires_at, 0), NULLIF(v.franking_tag, '') \
     FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::bigint[], $7::text[], \
     $8::bytea[], $9::bigint[], $10::bigint[], $11::text[]) AS v (id, conversation_id, sender_id, receiver_id, \
     message_type, timestamp, client_id, content_hash, reply_to, expires_at, franking_tag) \
     {once} RETURNING id, conversation_id, sender_id, receiver_id), \
     bodies_of_m AS (INSERT INTO bodies (id, sender_copy, receiver_copy) \
     SELECT v.id, v.sender_copy, v.receiver_copy \
     FROM UNNEST($1::bigint[], $12::bytea[], $13::bytea[]) AS v (id, sender_copy, receiver_copy){inserted}), \
     newest_of_m AS (UPDATE conversations SET newest_message_id = n.id \
     FROM (SELECT conversation_id, MAX(id) AS id FROM m GROUP BY conversation_id) AS n \
     WHERE conversations.id = n.conversation_id), \
     unread_of_m AS (UPDATE members SET unread = unread + n.count, newest_inbound = n.id \
     FROM (SELECT receiver_id, conversation_id, COUNT(*) AS count, MAX(id) AS id FROM m WHERE sender_id <> receiver_id \
     GROUP BY receiver_id, conversation_id) AS n \
     WHERE members.user_id = n.receiver_id AND members.conversation_id = n.conversation_id) \
     {retries}";

/// Leaves out retries. Used only where messages have client ids: PostgreSQL writes a row that may be left out in two
/// steps, each with an entry in its log.
const ONCE: &str = "ON CONFLICT (client_id, sender_id) WHERE client_id IS NOT NULL DO NOTHING";

/// The ciphertexts of those inserted. A condition of its own, not a join: a planner that knows nothing of either side
/// could compare each row with each.
const INSERTED: &str = " WHERE CASE WHEN v.id IN (SELECT id FROM m) THEN TRUE ELSE FALSE END";

/// The messages that those left out are retries of. The statement sees the table as it was before.
static RETRIES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM UNNEST($7::text[], $3::integer[]) AS v (client_id, sender_id) \
         JOIN messages AS m ON m.client_id = v.client_id AND m.sender_id = v.sender_id \
         WHERE (SELECT COUNT(*) FROM m) < cardinality($1::bigint[])",
        FoundColumns::select()
    )
});

static INSERT_ONCE: LazyLock<String> = LazyLock::new(|| insert_with(ONCE, INSERTED, &RETRIES));
static INSERT_ALL: LazyLock<String> = LazyLock::new(|| insert_with("", "", "SELECT 1 WHERE FALSE"));

fn insert_with(once: &str, inserted: &str, retries: &str) -> String {
    INSERT.replace("{once}", once).replace("{inserted}", inserted).replace("{retries}", retries)
}

/// Inserts messages with everything beside them, and returns the rows of those that are in the way of others.
pub(super) async fn insert(tx: &PostgresTransaction, accepted: &[Accepted]) -> Result<Vec<Row>, StorageError> {
    let rows = accepted.iter().map(|accepted| {
        let [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, tag] =
            sqlite::message(accepted);
        let (own, theirs) = (&accepted.message.sender_copy, &accepted.message.receiver_copy);
        let (own, theirs) = (Bytes(own.as_bytes()), Bytes(theirs.as_bytes()));
        [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, tag, own, theirs]
    });
    let have_names = accepted.iter().any(|accepted| accepted.message.client_id.is_some());
    let sql = if have_names { &*INSERT_ONCE } else { &*INSERT_ALL };
    tx.query_with(sql.clone(), &Bulk::new(rows)).await
}
