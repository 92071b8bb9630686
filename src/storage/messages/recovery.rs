//! What a transaction with an unknown outcome has stored.

use std::collections::HashSet;

use crate::clock::random_bytes;
use crate::domain::{Message, MessageId, Seq, Timestamp, UserId};
use crate::protocol::who::Stamp;
use crate::storage::cluster::history::nonce_at;
use crate::storage::engine::begin::Batches;
use crate::storage::engine::page::bind;
use crate::storage::engine::row::{CiphertextText, Columns as _, FromRow, Row, take_next};
use crate::storage::engine::sqlite::batches::SqliteTransaction;
use crate::storage::engine::tx::Tx as _;
use crate::storage::messages::select::MessageColumns;
use crate::storage::{Storage, StorageError};

const PROBE: &str = "UPDATE store SET last_seq = last_seq WHERE id = 1 RETURNING last_seq";
/// The same on PostgreSQL, with what the history is recognised by. The clock moves by a microsecond: a batch that was
/// made for a foreseen row, on a connection that was given up, may still be on its way, and must find another row.
const PROBE_KNOWN: &str =
    concat!("UPDATE store SET clock = clock + 1 WHERE id = 1 RETURNING last_seq, epoch, ", nonce_at!("$1"));

/// A row that is rolled back before it becomes visible. Messages have numbers from 1 on.
const FILL: &str = "INSERT INTO bodies (id, sender_copy, receiver_copy) VALUES (-1, $1, '')";
/// The distance, in bytes, up to which PostgreSQL's compression looks for repetitions.
const ROOM_BLOCK: usize = 4096;
/// Messages read at once.
const PAGE: u64 = 256;

impl Storage {
    /// Returns the highest number given so far; 0 in an empty store.
    ///
    /// Writes to find out, first as much as `room` bytes, which are taken back. So it fails when the store cannot be
    /// written, as on a full disk; and it waits for every transaction that has taken numbers, and sees to it that none
    /// takes numbers later that was begun before, so that afterwards their outcome is known. On PostgreSQL it fails too
    /// when the store does not have the history that this server knows.
    pub async fn probe_head(&self, room: usize) -> Result<Seq, StorageError> {
        if room > 0 {
            self.probe_room(room).await?;
        }
        let known = self.known_history();
        let statement = match &known {
            None => self.statement(PROBE, []),
            Some(known) => self.statement(PROBE_KNOWN, [known.asked().into()]),
        };
        let tx = self.begin().await?;
        let row = tx.query_one(statement).await?.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let head = row.get(0)?;
        tx.commit().await?;
        if let Some(known) = known {
            known.check(&row.get::<String>(1)?, head, row.get(2)?)?;
            self.history.saw_head(&known.epoch, head);
            self.cache.lock().await.forecast.clear();
        }
        Ok(head)
    }

    /// Returns the number that was given last, which another server may have given, and the next stamp of an opening;
    /// on SQLite 0 and none.
    pub async fn shared_head(&self) -> Result<(Seq, Option<Stamp>), StorageError> {
        if !self.has_journal() {
            return Ok((Seq(0), None));
        }
        let sql = "SELECT last_seq, nextval('stamps') FROM store WHERE id = 1";
        let row = self.reads.query_one(self.statement(sql, [])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        Ok((Seq(row.get(0)?), Some(Stamp(row.get(1)?))))
    }

    /// Fails when so many bytes cannot be written. They are not kept.
    async fn probe_room(&self, bytes: usize) -> Result<(), StorageError> {
        if let Batches::Sqlite(batches) = &self.batches {
            return SqliteTransaction::begin(self.lock_batches(batches).await?)?.try_room(bytes);
        }
        let tx = self.begin().await?;
        let filler = filler(bytes)?;
        tx.execute(self.statement(FILL, [filler.into()])).await?;
        Ok(tx.rollback().await?)
    }

    /// Returns the messages of these senders with a number above `after` and a time stamp of `since` or later, oldest
    /// first.
    ///
    /// Reads from the newest one down: the cost is what was stored since, not what is stored.
    pub async fn committed_since(
        &self,
        after: Seq,
        since: Timestamp,
        senders: &HashSet<UserId>,
    ) -> Result<Vec<Message>, StorageError> {
        let mut found = Vec::new();
        let mut below = i64::MAX;
        loop {
            let sql = format!(
                "SELECT {}, m.gone_seq FROM messages AS m WHERE m.id > $1 AND m.id < $2 \
                 ORDER BY m.id DESC LIMIT $3 + 0",
                MessageColumns::select()
            );
            let rows = self.reads.query(self.statement(sql, [after.0.into(), below.into(), bind(PAGE)])).await?;
            let page: Vec<Found> = rows.into_iter().map(Row::read).collect::<Result<_, _>>()?;
            let oldest = page.last().map(|found| (found.message.id.0, found.message.timestamp));
            for Found { message, gone_seq } in page {
                let is_wanted = message.timestamp >= since && senders.contains(&message.sender) && gone_seq.is_none();
                if is_wanted && let Some((sender_copy, receiver_copy)) = self.copies(message.id).await? {
                    found.push(message.with_copies(sender_copy, receiver_copy));
                }
            }
            match oldest {
                Some((id, timestamp)) if timestamp >= since => below = id,
                _ => break,
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Returns both copies of a message.
    async fn copies(&self, id: MessageId) -> Result<Option<(String, String)>, StorageError> {
        let sql = "SELECT sender_copy, receiver_copy FROM bodies WHERE id = $1";
        let Some(row) = self.reads.query_one(self.statement(sql, [id.0.into()])).await? else { return Ok(None) };
        let (sender, receiver): (CiphertextText, CiphertextText) = row.read()?;
        Ok(Some((sender.0, receiver.0)))
    }
}

/// A message without its ciphertexts, and whether it is gone.
struct Found {
    message: MessageColumns,
    gone_seq: Option<Seq>,
}

impl FromRow for Found {
    fn from_row(row: &mut Row, next: &mut usize) -> Result<Self, StorageError> {
        Ok(Self { message: MessageColumns::from_row(row, next)?, gone_seq: take_next(row, next)? })
    }
}

/// Returns so many bytes that cannot be compressed: a random block again and again.
fn filler(bytes: usize) -> Result<Vec<u8>, StorageError> {
    let block: [u8; ROOM_BLOCK] = random_bytes()?;
    Ok(block.iter().copied().cycle().take(bytes).collect())
}
