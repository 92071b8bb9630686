//! The statement that stores a plain batch.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sea_orm::DatabaseBackend;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments as _, Error};

use crate::domain::{Record, Timestamp, UserId};
use crate::storage::cluster::{history::nonce_at, now};
use crate::storage::commands::numbers::{StoreRow, Taken};
use crate::storage::commands::plain::Plain;
use crate::storage::commands::plain::arrays::add_owing;
use crate::storage::commands::receipts::statements::{LEFT_UNREAD, moved};
use crate::storage::commands::sends::debts::Owing;
use crate::storage::commands::sends::postgres::message_columns;
use crate::storage::engine::postgres::batches::{PostgresTransaction, failed};
use crate::storage::push::statements::{OweBy, owe};
use crate::storage::{Storage, StorageError};

/// The row of the journal that a batch adds, and with it the numbers that it takes.
pub(in crate::storage::commands) struct JournalEntry<'a> {
    pub(in crate::storage::commands) row: &'a StoreRow,
    pub(in crate::storage::commands) taken: &'a Taken,
    pub(in crate::storage::commands) record: &'a Record,
    pub(in crate::storage::commands) nonce: i64,
    /// What the receivers' devices are owed, where devices are woken.
    pub(in crate::storage::commands) owing: Option<BTreeMap<UserId, (i64, Owing)>>,
}

/// Gives out the numbers, if the row of `store` is what the batch was made for. All else depends on that, so the row is
/// locked before anything else is looked at. An update that has waited for the lock looks at the row again
/// (<https://www.postgresql.org/docs/current/transaction-iso.html#XACT-READ-COMMITTED>).
const TAKE: &str = concat!(
    "taken AS (UPDATE store SET last_seq = $30, clock = $31 WHERE id = 1 AND last_seq = $32 AND clock = $33 \
     AND rules = $34 AND retained_from = $35 AND marked_at = 0 AND epoch = $36 \
     AND EXISTS (SELECT 1 FROM push_targets) = $37 AND COALESCE(",
    nonce_at!("$38"),
    " = $39, TRUE){new} RETURNING 1)"
);

/// None of the messages is stored already. Each is looked for by the index, and by no other plan.
const NEW: &str = " AND NOT EXISTS (SELECT 1 FROM UNNEST($7::text[], $3::integer[]) AS v (client_id, sender_id) \
     CROSS JOIN LATERAL (SELECT 1 FROM messages AS m WHERE m.client_id = v.client_id AND m.sender_id = v.sender_id \
     OFFSET 0) AS stored)";

const JOURNAL: &str = concat!(
    "journal AS (INSERT INTO batches (first, last, boot, nonce, at, record) SELECT $32::bigint + 1, $30::bigint, \
     $40::bigint, $41::bigint, ",
    now!(),
    ", $42::bytea FROM taken)"
);

/// Each table has its own part of the arrays: rows that all share would be kept in between.
const MESSAGES: &str = concat!(
    "m AS (INSERT INTO messages (",
    message_columns!(),
    ") \
     SELECT v.* FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[], $4::integer[], $5::text[], $6::bigint[], \
     $7::text[], $8::bytea[], $9::bigint[], $10::bigint[], $11::text[]) AS v WHERE EXISTS (SELECT 1 FROM taken)), \
     b AS (INSERT INTO bodies (id, sender_copy, receiver_copy) \
     SELECT v.* FROM UNNEST($1::bigint[], $12::bytea[], $13::bytea[]) AS v WHERE EXISTS (SELECT 1 FROM taken)), \
     c AS (UPDATE conversations SET newest_message_id = v.newest \
     FROM UNNEST($14::bigint[], $15::bigint[]) AS v (id, newest) \
     WHERE conversations.id = v.id AND EXISTS (SELECT 1 FROM taken))"
);

/// The members whose positions move, and those who have something new.
static MEMBERS: LazyLock<String> = LazyLock::new(|| {
    let columns = (1..=14).map(|i| format!("column{i}")).collect::<Vec<_>>().join(", ");
    let arrays = (18..=29).map(|i| format!("${i}::bigint[]")).collect::<Vec<_>>().join(", ");
    format!(
        "p AS (UPDATE members SET {}, unread = {LEFT_UNREAD} + v.column13, \
         newest_inbound = CASE WHEN v.column14 = 0 THEN members.newest_inbound ELSE v.column14 END \
         FROM UNNEST($16::integer[], $17::bigint[], {arrays}) AS v ({columns}) \
         WHERE members.user_id = v.column1 AND members.conversation_id = v.column2 AND EXISTS (SELECT 1 FROM taken))",
        moved()
    )
});

/// Owes wake-ups to the receivers' devices that are not connected.
static OWED: LazyLock<String> = LazyLock::new(|| {
    let by = OweBy { seq: "v.seq", is_urgent: "(v.urgency > 1)", now: "$48::bigint", not_before: "$49::bigint" };
    format!(
        ", w AS (UPDATE push_targets AS t SET {} FROM UNNEST($43::integer[], $44::bigint[], $45::integer[], \
         $46::text[], $47::text[]) AS v (receiver, seq, urgency, devices, logins) \
         WHERE t.user_id = v.receiver AND t.acked_seq < v.seq AND position(',' || t.device_id || ',' IN v.devices) = 0 \
         AND position(',' || t.login_id || ',' IN v.logins) = 0 AND EXISTS (SELECT 1 FROM taken))",
        owe(DatabaseBackend::Postgres, by)
    )
});

static STORE: LazyLock<String> = LazyLock::new(|| whole("", ""));
static STORE_NEW: LazyLock<String> = LazyLock::new(|| whole(NEW, ""));
static STORE_OWING: LazyLock<String> = LazyLock::new(|| whole("", &OWED));
static STORE_NEW_OWING: LazyLock<String> = LazyLock::new(|| whole(NEW, &OWED));

fn whole(new: &str, owed: &str) -> String {
    let (taken, members) = (TAKE.replace("{new}", new), &*MEMBERS);
    format!("WITH {taken}, {JOURNAL}, {MESSAGES}, {members}{owed} SELECT {}, (SELECT COUNT(*) FROM taken)", now!())
}

impl Plain {
    /// Stores the batch, with its entry in the journal. Returns the time of the database; `None` when nothing was
    /// stored, because the row of `store` is another one or a message is there already.
    pub(in crate::storage::commands) async fn write(
        &self,
        tx: &PostgresTransaction,
        storage: &Storage,
        entry: &JournalEntry<'_>,
    ) -> Result<Option<Timestamp>, StorageError> {
        let arguments = arguments(storage, self, entry).map_err(|error| failed(Error::Encode(error)))?;
        let sql = match (self.has_client_ids(), &entry.owing) {
            (false, None) => &*STORE,
            (true, None) => &*STORE_NEW,
            (false, Some(_)) => &*STORE_OWING,
            (true, Some(_)) => &*STORE_NEW_OWING,
        };
        let rows = tx.query_arguments(sql.clone(), arguments).await?;
        let row = rows.first().ok_or(StorageError::Corrupt("a statement without its row"))?;
        let (now, count): (Timestamp, i64) = (row.get(0)?, row.get(1)?);
        Ok((count > 0).then_some(now))
    }
}

fn arguments(storage: &Storage, plain: &Plain, entry: &JournalEntry<'_>) -> Result<PgArguments, BoxDynError> {
    let JournalEntry { row, taken, record, nonce, owing } = entry;
    let mut arguments = PgArguments::default();
    plain.add_messages(&mut arguments)?;
    plain.add_conversations(&mut arguments)?;
    plain.add_members(&mut arguments)?;
    arguments.add(taken.last.0)?;
    arguments.add(taken.last_time)?;
    arguments.add(row.head)?;
    arguments.add(row.clock)?;
    arguments.add(row.rules)?;
    arguments.add(row.retained_from.as_micros())?;
    arguments.add(row.known.epoch.as_str())?;
    arguments.add(row.has_targets)?;
    arguments.add(row.known.asked())?;
    arguments.add(row.known.nonce())?;
    arguments.add(storage.boot)?;
    arguments.add(*nonce)?;
    arguments.add(storage.record_bytes(record))?;
    if let Some(owing) = owing {
        add_owing(&mut arguments, owing)?;
        arguments.add(taken.now.as_micros())?;
        arguments.add(taken.now.as_micros() + storage.push_grace_us())?;
    }
    Ok(arguments)
}
