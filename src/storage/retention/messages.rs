//! What has to be cleared away: messages whose time is over, those of deleted accounts, and tombstones that are old enough.
//!
//! In batches of a few hundred rows on a connection of its own, each a transaction, each leaving a state from which the next
//! one goes on: after a crash as after a pause.

use sea_orm::{ConnectionTrait as _, Value};

use crate::domain::{MessageId, Seq, Timestamp};
use crate::storage::commands::deletions::UNREAD_LESS;
use crate::storage::engine::erase::{Side, erase};
use crate::storage::engine::tx::PoolTransaction;
use crate::storage::schema::kinds::gone;
use crate::storage::{Storage, StorageError};

/// Rows of one batch.
pub const BATCH: i64 = 200;

const DUE: &str =
    "SELECT id FROM messages WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2 + 0";

/// Messages of a deleted account's conversation. Of those that others have sent, what recognises a retry is kept.
const DOOMED: &str = "SELECT id FROM messages WHERE conversation_id = $1 AND GONE \
     LIMIT $2 + 0";
/// Takes out the user `$2`, or both sides when that is 0. All get the number of the event that tells of the deletion: they
/// are kept as long as it is, and found by it when the other side leaves as well.
const WIPE: &str = "UPDATE messages SET sender_id = CASE WHEN $2 IN (sender_id, 0) THEN 0 ELSE sender_id END, \
     receiver_id = CASE WHEN $2 IN (receiver_id, 0) THEN 0 ELSE receiver_id END, \
     client_id = CASE WHEN $2 IN (sender_id, 0) THEN NULL ELSE client_id END, \
     content_hash = CASE WHEN $2 IN (sender_id, 0) THEN NULL ELSE content_hash END, expires_at = NULL, \
     gone_seq = $3, gone_how = $4 WHERE id = $1";

/// The oldest messages that a retention run has not destroyed yet.
const SWEPT: &str = "SELECT id, conversation_id, sender_id, receiver_id, receiver_gone FROM messages \
     WHERE id > $1 AND id <= $2 AND gone_seq IS NULL ORDER BY id LIMIT $3 + 0";
const SWEEP_ONE: &str = "UPDATE messages SET expires_at = NULL, gone_seq = $2, gone_how = $3 WHERE id = $1";

/// Events and tombstones of this number and older are not kept.
const OLD_EVENTS: &str =
    "DELETE FROM events WHERE seq <= $1 AND seq IN (SELECT seq FROM events WHERE seq <= $1 ORDER BY seq LIMIT $2 + 0)";
const OLD_TOMBSTONES: &str = "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE gone_seq IS NOT NULL \
     AND gone_seq <= $1 ORDER BY gone_seq LIMIT $2 + 0)";

/// What one step has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Rows whose ciphertext was destroyed.
    pub destroyed: u64,
    /// Tombstones and events that were dropped.
    pub dropped: u64,
    /// Whether there is more to do right away.
    pub has_more: bool,
}

impl Storage {
    /// Messages whose time is over, oldest first, at most [`BATCH`].
    pub async fn expired(&self, now: Timestamp) -> Result<Vec<MessageId>, StorageError> {
        let rows = self.reads.query_all_raw(self.statement(DUE, [now.as_micros().into(), BATCH.into()])).await?;
        rows.iter().map(|row| Ok(MessageId(row.try_get_by_index(0)?))).collect()
    }

    /// Whether there is a message from before `time` that retention has not taken.
    pub async fn has_messages_before(&self, time: Timestamp) -> Result<bool, StorageError> {
        let last = self.number_before(time).await?;
        let sql = "SELECT 1 FROM store WHERE id = 1 \
             AND retained_from <= (SELECT timestamp FROM messages WHERE id <= $1 ORDER BY id DESC LIMIT 1)";
        Ok(self.reads.query_one_raw(self.statement(sql, [last.0.into()])).await?.is_some())
    }

    /// Destroys some messages of deleted accounts.
    pub async fn wipe_accounts(&self) -> Result<Cleared, StorageError> {
        let sql = "SELECT conversation_id, user_id, seq FROM wipes ORDER BY conversation_id LIMIT 1";
        let Some(row) = self.reads.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(Cleared::default());
        };
        let (conversation, user, seq): (i64, i32, i64) =
            (row.try_get_by_index(0)?, row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let tx = self.begin_cleanup().await?;
        let mut destroyed = 0;
        let states = [
            "gone_seq IS NULL AND sender_gone IS NULL AND receiver_gone IS NULL",
            "gone_seq IS NULL AND (sender_gone IS NOT NULL OR receiver_gone IS NOT NULL)",
            "gone_seq IS NOT NULL AND gone_how <> 4",
        ];
        // What the first of two who have both left has left of their conversation.
        let left = format!("gone_seq = {seq} AND gone_how = 4 AND (sender_id <> 0 OR receiver_id <> 0)");
        for state in states.into_iter().chain((user == 0).then_some(left.as_str())) {
            let sql = DOOMED.replace("GONE", state);
            let rows = tx.query_all_raw(self.statement(sql, [conversation.into(), BATCH.into()])).await?;
            for row in rows {
                let id: i64 = row.try_get_by_index(0)?;
                self.run(&tx, WIPE, [id.into(), user.into(), seq.into(), gone::ACCOUNT.into()]).await?;
                self.run(&tx, erase(self.backend(), Side::Both), [id.into()]).await?;
                destroyed += 1;
            }
        }
        if destroyed == 0 {
            // Unless the other side has left meanwhile, too.
            let done = "DELETE FROM wipes WHERE conversation_id = $1 AND user_id = $2";
            self.run(&tx, done, [conversation.into(), user.into()]).await?;
        }
        tx.commit().await?;
        Ok(Cleared { destroyed, dropped: 0, has_more: true })
    }

    /// Destroys some messages that are older than the server's retention. Everything up to `swept` was destroyed already; it is
    /// moved on.
    pub async fn sweep(&self, swept: &mut MessageId) -> Result<Cleared, StorageError> {
        let sql = "SELECT seq, before FROM sweeps ORDER BY seq LIMIT 1";
        let Some(row) = self.reads.query_one_raw(self.statement(sql, [])).await? else {
            return Ok(Cleared::default());
        };
        let (seq, before): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let last = self.number_before(Timestamp::from_micros(before)).await?;
        let tx = self.begin_cleanup().await?;
        let rows = tx.query_all_raw(self.statement(SWEPT, [swept.0.into(), last.0.into(), BATCH.into()])).await?;
        for row in &rows {
            let (id, conversation): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let (sender, receiver): (i32, i32) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            self.run(&tx, SWEEP_ONE, [id.into(), seq.into(), gone::RETENTION.into()]).await?;
            self.run(&tx, erase(self.backend(), Side::Both), [id.into()]).await?;
            if sender != receiver && row.try_get_by_index::<Option<i64>>(4)?.is_none() {
                self.run(&tx, UNREAD_LESS, [receiver.into(), conversation.into(), id.into()]).await?;
            }
        }
        if rows.is_empty() {
            self.run(&tx, "DELETE FROM sweeps WHERE seq = $1", [seq.into()]).await?;
        }
        let newest = rows.last().map(|row| row.try_get_by_index(0)).transpose()?.map(MessageId);
        tx.commit().await?;
        *swept = newest.unwrap_or(*swept);
        Ok(Cleared { destroyed: rows.len() as u64, dropped: 0, has_more: true })
    }

    /// Drops some events and tombstones from before `horizon`, and with them the promise to honour cursors that old.
    pub async fn drop_before(&self, horizon: Timestamp) -> Result<Cleared, StorageError> {
        let up_to = self.number_before(horizon).await?;
        let tx = self.begin_cleanup().await?;
        let mut dropped = self.run(&tx, OLD_EVENTS, [up_to.0.into(), BATCH.into()]).await?;
        dropped += self.run(&tx, OLD_TOMBSTONES, [up_to.0.into(), BATCH.into()]).await?;
        if dropped == 0 {
            tx.rollback().await?;
            return Ok(Cleared::default());
        }
        let promise = "UPDATE store SET dropped = $1 WHERE id = 1 AND dropped < $1";
        self.run(&tx, promise, [up_to.0.into()]).await?;
        tx.commit().await?;
        Ok(Cleared { destroyed: 0, dropped, has_more: true })
    }

    /// A number that no message from before `time` is above, and none from `time` on is at or below. Numbers and time stamps
    /// grow together, so this is a binary search over the key.
    async fn number_before(&self, time: Timestamp) -> Result<Seq, StorageError> {
        let row = self.reads.query_one_raw(self.statement("SELECT head, clock FROM store WHERE id = 1", [])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let (mut low, mut high): (i64, i64) = (0, row.try_get_by_index(0)?);
        if row.try_get_by_index::<i64>(1)? < time.as_micros() {
            return Ok(Seq(high));
        }
        let sql = "SELECT id, timestamp FROM messages WHERE id > $1 ORDER BY id LIMIT 1";
        // Up to `low` everything is from before, above `high` nothing is.
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.reads.query_one_raw(self.statement(sql, [middle.into()])).await?;
            let next: Option<(i64, i64)> = row
                .map(|row| Ok::<_, StorageError>((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
                .transpose()?;
            match next {
                Some((id, timestamp)) if timestamp < time.as_micros() => low = id.min(high),
                // The first message above the middle is too new, or there is none.
                _ => high = middle,
            }
        }
        Ok(Seq(low))
    }

    pub(in crate::storage) async fn run(
        &self,
        tx: &PoolTransaction,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, StorageError> {
        Ok(tx.execute_raw(self.statement(sql, values)).await?.rows_affected())
    }
}
