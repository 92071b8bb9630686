//! The rows of stored messages, on PostgreSQL: all tables in one statement, since each statement is a round trip.

use std::sync::LazyLock;

use sea_orm::DatabaseBackend;

use crate::storage::StorageError;
use crate::storage::commands::lookup::questions::FoundColumns;
use crate::storage::commands::sends::debts::Owing;
use crate::storage::commands::sends::{Accepted, sqlite};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::postgres::batches::PostgresTransaction;
use crate::storage::engine::row::{Columns as _, Row};
use crate::storage::push::statements::{OweBy, owe};

use Cell::{BigInt, Bytes, Int, Text};

/// The columns of a new message, in the order of the arrays of both statements that insert messages.
macro_rules! message_columns {
    () => {
        "id, conversation_id, sender_id, receiver_id, message_type, timestamp, client_id, content_hash, reply_to, \
         expires_at, franking_tag"
    };
}
pub(in crate::storage::commands) use message_columns;

/// Inserts messages with everything beside them. A message whose client id is in use is left out; what was stored under
/// it is returned, which is looked for only when there are such. Each table has its own part of the arrays: rows that
/// all share would be kept in between.
const INSERT: &str = concat!(
    "WITH m AS (INSERT INTO messages (",
    message_columns!(),
    ") \
     SELECT v.id, v.conversation_id, v.sender_id, v.receiver_id, v.message_type, v.timestamp, \
     NULLIF(v.client_id, ''), CASE WHEN length(v.content_hash) > 0 THEN v.content_hash END, \
     NULLIF(v.reply_to, 0), NULLIF(v.expires_at, 0), NULLIF(v.franking_tag, '') \
     FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::bigint[], $7::text[], \
     $8::bytea[], $9::bigint[], $10::bigint[], $11::text[]) AS v (",
    message_columns!(),
    ") \
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
     WHERE members.user_id = n.receiver_id AND members.conversation_id = n.conversation_id){owed} \
     {retries}"
);

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

/// Owes wake-ups to the receivers' devices that are not connected. Used only where a device is registered.
static OWED: LazyLock<String> = LazyLock::new(|| {
    let by = OweBy { seq: "n.seq", is_urgent: "(n.urgency > 1)", now: "n.at", not_before: "n.not_before" };
    format!(
        ", owed_of_m AS (UPDATE push_targets AS t SET {} FROM (SELECT v.receiver_id, MAX(v.id) AS seq, \
         MAX(v.urgency) AS urgency, MAX(v.devices) AS devices, MAX(v.logins) AS logins, MAX(v.at) AS at, \
         MAX(v.not_before) AS not_before FROM UNNEST($1::bigint[], $4::integer[], $14::integer[], $15::text[], \
         $16::text[], $17::bigint[], $18::bigint[]) AS v (id, receiver_id, urgency, devices, logins, at, not_before) \
         WHERE v.urgency > 0 AND CASE WHEN v.id IN (SELECT id FROM m) THEN TRUE ELSE FALSE END \
         GROUP BY v.receiver_id) AS n WHERE t.user_id = n.receiver_id AND t.acked_seq < n.seq \
         AND position(',' || t.device_id || ',' IN n.devices) = 0 \
         AND position(',' || t.login_id || ',' IN n.logins) = 0)",
        owe(DatabaseBackend::Postgres, by)
    )
});

static INSERT_ONCE: LazyLock<String> = LazyLock::new(|| insert_with(ONCE, INSERTED, "", &RETRIES));
static INSERT_ALL: LazyLock<String> = LazyLock::new(|| insert_with("", "", "", NOTHING));
static INSERT_ONCE_OWING: LazyLock<String> = LazyLock::new(|| insert_with(ONCE, INSERTED, &OWED, &RETRIES));
static INSERT_ALL_OWING: LazyLock<String> = LazyLock::new(|| insert_with("", "", &OWED, NOTHING));
const NOTHING: &str = "SELECT 1 WHERE FALSE";

fn insert_with(once: &str, inserted: &str, owed: &str, retries: &str) -> String {
    let parts = [("{once}", once), ("{inserted}", inserted), ("{owed}", owed), ("{retries}", retries)];
    parts.iter().fold(INSERT.to_owned(), |sql, (name, part)| sql.replace(name, part))
}

/// Inserts messages with everything beside them, with what each is `owing`, and returns the rows of those that are in
/// the way of others.
pub(super) async fn insert(
    tx: &PostgresTransaction,
    accepted: &[Accepted],
    owing: Option<&[Owing]>,
) -> Result<Vec<Row>, StorageError> {
    let have_names = accepted.iter().any(|accepted| accepted.message.client_id.is_some());
    let Some(owing) = owing else {
        let sql = if have_names { &*INSERT_ONCE } else { &*INSERT_ALL };
        return tx.query_with(sql.clone(), &Bulk::new(accepted.iter().map(cells))).await;
    };
    let rows = accepted.iter().zip(owing).map(|(accepted, Owing { urgency, live, now, not_before })| {
        let [devices, logins] = [&live.devices, &live.logins].map(|list| Text(list));
        let [now, not_before] = [now, not_before].map(|time| BigInt(*time));
        let owing = [Int(*urgency), devices, logins, now, not_before];
        let mut all = cells(accepted).into_iter().chain(owing);
        // As many as there are.
        std::array::from_fn::<_, 18, _>(|_| all.next().unwrap_or(Int(0)))
    });
    let sql = if have_names { &*INSERT_ONCE_OWING } else { &*INSERT_ALL_OWING };
    tx.query_with(sql.clone(), &Bulk::new(rows)).await
}

/// Returns a message's cells and its two copies.
fn cells(accepted: &Accepted) -> [Cell<'_>; 13] {
    let [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, tag] =
        sqlite::message(accepted);
    let [own, theirs] = [&accepted.message.sender_copy, &accepted.message.receiver_copy];
    let [own, theirs] = [Bytes(own.as_bytes()), Bytes(theirs.as_bytes())];
    [id, conversation, sender, receiver, kind, time, name, hash, reply_to, expires_at, tag, own, theirs]
}
