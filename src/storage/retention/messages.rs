//! Destruction of expired messages and of those of deleted accounts, and the end of old tombstones and events.
//!
//! They are cleared away in batches of at most [`BATCH`] rows on a connection of their own. Each batch is one
//! transaction and leaves a state from which the next continues, also after a crash.

use std::sync::LazyLock;

use sea_orm::DatabaseBackend;

use crate::domain::{MessageId, Seq, Timestamp};
use crate::storage::commands::attachments::release;
use crate::storage::commands::deletions::changes::Changes;
use crate::storage::commands::deletions::targets::{Change, Target};
use crate::storage::engine::erase::{Side, erase};
use crate::storage::engine::fixed_joins::left_join;
use crate::storage::engine::joint_changes::JointChanges;
use crate::storage::engine::row::{Columns as _, Row};
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::kinds::GoneHow;
use crate::storage::{Storage, StorageError};

/// Rows of one batch.
pub const BATCH: i64 = 200;

const EXPIRED: &str =
    "SELECT id FROM messages WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2 + 0";

/// Finds some messages of the conversation `$1`, at most `$2` in each state that they may be in. When both users have
/// left, so that `$4` is 0, also those that the deletion of the first one, with the number `$3`, has kept for the
/// second.
static TO_WIPE: LazyLock<String> = LazyLock::new(|| {
    let by_account = GoneHow::Account.stored();
    let states = [
        "gone_seq IS NULL AND sender_gone IS NULL AND receiver_gone IS NULL",
        "gone_seq IS NULL AND (sender_gone IS NOT NULL OR receiver_gone IS NOT NULL)",
        &format!("gone_seq IS NOT NULL AND gone_how <> {by_account}"),
        &format!("$4 = 0 AND gone_seq = $3 AND gone_how = {by_account} AND (sender_id <> 0 OR receiver_id <> 0)"),
    ];
    let parts = states.iter().enumerate().map(|(i, state)| {
        format!(
            "SELECT id, files FROM (SELECT id, CASE WHEN attachments IS NULL THEN 0 ELSE 1 END AS files FROM messages \
             WHERE conversation_id = $1 AND {state} LIMIT $2 + 0) AS part{i}"
        )
    });
    parts.collect::<Vec<_>>().join(" UNION ALL ")
});
/// Removes the user `column2` from the message `column1`, or both sides when it is 0. Of a message that the other side
/// has sent, the fields by which a retry is recognised stay. The message gets the number `column3` of the event of the
/// deletion: it is kept as long as that event, and found by this number when the other side leaves as well.
static WIPE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE messages SET sender_id = CASE WHEN v.column2 IN (sender_id, 0) THEN 0 ELSE sender_id END, \
         receiver_id = CASE WHEN v.column2 IN (receiver_id, 0) THEN 0 ELSE receiver_id END, \
         client_id = CASE WHEN v.column2 IN (sender_id, 0) THEN NULL ELSE client_id END, \
         content_hash = CASE WHEN v.column2 IN (sender_id, 0) THEN NULL ELSE content_hash END, expires_at = NULL, \
         attachments = NULL, gone_seq = v.column3, gone_how = {} FROM {{v}} WHERE messages.id = v.column1",
        GoneHow::Account.stored()
    )
});

/// The oldest messages that a retention run has not destroyed yet.
fn to_sweep(backend: DatabaseBackend) -> String {
    format!(
        "SELECT {} FROM (SELECT * FROM messages WHERE id > $1 AND id <= $2 AND gone_seq IS NULL \
         ORDER BY id LIMIT $3 + 0) AS m {} ORDER BY m.id",
        Target::select(),
        left_join(backend, "conversations", "c", "c.id = m.conversation_id")
    )
}

/// Finds out whether there is something for [`OLD_EVENTS`] or [`OLD_TOMBSTONES`] to delete.
const HAS_OLD: &str = "SELECT 1 WHERE EXISTS (SELECT 1 FROM events WHERE seq <= $1) \
     OR EXISTS (SELECT 1 FROM messages WHERE gone_seq IS NOT NULL AND gone_seq <= $1)";
/// Deletes some events up to the number `$1`.
const OLD_EVENTS: &str =
    "DELETE FROM events WHERE seq <= $1 AND seq IN (SELECT seq FROM events WHERE seq <= $1 ORDER BY seq LIMIT $2 + 0)";
const OLD_TOMBSTONES: &str = "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE gone_seq IS NOT NULL \
     AND gone_seq <= $1 ORDER BY gone_seq LIMIT $2 + 0)";

/// The result of one batch.
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
    /// Returns the messages that have expired, oldest first, at most [`BATCH`].
    pub async fn expired(&self, now: Timestamp) -> Result<Vec<MessageId>, StorageError> {
        let rows = self.reads.query(self.statement(EXPIRED, [now.as_micros().into(), BATCH.into()])).await?;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Returns whether there is a message from before `time` that no retention run covers yet.
    pub async fn has_messages_before(&self, time: Timestamp) -> Result<bool, StorageError> {
        let last = self.number_before(time).await?;
        let sql = "SELECT 1 FROM store WHERE id = 1 \
             AND retained_from <= (SELECT timestamp FROM messages WHERE id <= $1 ORDER BY id DESC LIMIT 1)";
        Ok(self.reads.query_one(self.statement(sql, [last.0.into()])).await?.is_some())
    }

    /// Destroys some messages of deleted accounts.
    pub async fn wipe_accounts(&self) -> Result<Cleared, StorageError> {
        let sql = "SELECT conversation_id, user_id, seq FROM wipes ORDER BY conversation_id LIMIT 1";
        let Some(row) = self.reads.query_one(self.statement(sql, [])).await? else {
            return Ok(Cleared::default());
        };
        let (conversation, user, seq): (i64, i32, i64) = row.read()?;
        // Nobody stores anything in a conversation that is gone, so this need not wait for others who write.
        let values = [conversation.into(), BATCH.into(), seq.into(), user.into()];
        let rows = self.reads.query(self.statement(TO_WIPE.as_str(), values)).await?;
        let rows = rows.into_iter().map(Row::read).collect::<Result<Vec<(i64, i32)>, _>>()?;
        let ids: Vec<[i64; 1]> = rows.iter().map(|(id, _)| [*id]).collect();
        let with_files: Vec<i64> = rows.iter().filter(|(_, files)| *files != 0).map(|(id, _)| *id).collect();
        let wiped: Vec<_> = ids.iter().map(|&[id]| [id, user.into(), seq]).collect();
        let mut changes = JointChanges::new(self.backend());
        changes.add(&WIPE, &wiped);
        changes.add(erase(self.backend(), Side::Both), &ids);
        let tx = self.begin_cleanup().await?;
        changes.make(&tx).await?;
        release(&tx, self.backend(), &with_files).await?;
        if ids.is_empty() {
            // The user in it has changed when the other side has left meanwhile, too: then there is more to do.
            let done = "DELETE FROM wipes WHERE conversation_id = $1 AND user_id = $2";
            tx.execute(self.statement(done, [conversation.into(), user.into()])).await?;
        }
        tx.commit().await?;
        Ok(Cleared { destroyed: ids.len() as u64, dropped: 0, has_more: true })
    }

    /// Destroys some messages that a retention run covers, oldest first. All up to `swept` are destroyed already; moves
    /// `swept` on to the newest message that this call has destroyed.
    pub async fn sweep(&self, swept: &mut MessageId) -> Result<Cleared, StorageError> {
        let sql = "SELECT seq, before FROM sweeps ORDER BY seq LIMIT 1";
        let Some(row) = self.reads.query_one(self.statement(sql, [])).await? else {
            return Ok(Cleared::default());
        };
        let (seq, before): (i64, i64) = row.read()?;
        let last = self.number_before(Timestamp::from_micros(before)).await?;
        let tx = self.begin_cleanup().await?;
        let values = [swept.0.into(), last.0.into(), BATCH.into()];
        let rows = tx.query(self.statement(to_sweep(self.backend()), values)).await?;
        let rows: Vec<Target> = rows.into_iter().map(Row::read).collect::<Result<_, _>>()?;
        let mut changes = Changes::default();
        for &target in &rows {
            let mut change = Change::of(target);
            let now = &mut change.now;
            (now.gone_seq, now.gone_how, now.expires_at) = (Some(Seq(seq)), GoneHow::Retention, None);
            changes.message(&change);
        }
        changes.make(&tx, self.backend()).await?;
        if rows.is_empty() {
            tx.execute(self.statement("DELETE FROM sweeps WHERE seq = $1", [seq.into()])).await?;
        }
        let newest = rows.last().map(|last| last.id);
        tx.commit().await?;
        *swept = newest.unwrap_or(*swept);
        Ok(Cleared { destroyed: rows.len() as u64, dropped: 0, has_more: true })
    }

    /// Drops some events and tombstones from before `horizon`. Cursors that old are not honoured any more.
    pub async fn drop_before(&self, horizon: Timestamp) -> Result<Cleared, StorageError> {
        let up_to = self.number_before(horizon).await?;
        // Nearly always there is nothing, and writers need not wait.
        if self.reads.query_one(self.statement(HAS_OLD, [up_to.0.into()])).await?.is_none() {
            return Ok(Cleared::default());
        }
        let tx = self.begin_cleanup().await?;
        let mut dropped = tx.execute(self.statement(OLD_EVENTS, [up_to.0.into(), BATCH.into()])).await?;
        dropped += tx.execute(self.statement(OLD_TOMBSTONES, [up_to.0.into(), BATCH.into()])).await?;
        if dropped == 0 {
            tx.rollback().await?;
            return Ok(Cleared::default());
        }
        let promise = "UPDATE store SET dropped = $1 WHERE id = 1 AND dropped < $1";
        tx.execute(self.statement(promise, [up_to.0.into()])).await?;
        tx.commit().await?;
        Ok(Cleared { destroyed: 0, dropped, has_more: true })
    }

    /// Returns a number that separates messages before `time` from later ones: those before it have this number or a
    /// lower one, those from `time` on a higher one. Numbers and time stamps grow together, so this is a binary search
    /// over the key.
    async fn number_before(&self, time: Timestamp) -> Result<Seq, StorageError> {
        let row = self.reads.query_one(self.statement("SELECT last_seq, clock FROM store WHERE id = 1", [])).await?;
        let row = row.ok_or(StorageError::Corrupt("the store row is missing"))?;
        let (head, newest): (i64, i64) = row.read()?;
        let (mut low, mut high) = (0, head);
        if newest < time.as_micros() {
            return Ok(Seq(high));
        }
        let sql = "SELECT id, timestamp FROM messages WHERE id > $1 ORDER BY id LIMIT 1";
        // All messages up to `low` are from before `time`, none above `high` is.
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.reads.query_one(self.statement(sql, [middle.into()])).await?;
            let next: Option<(i64, i64)> = row.map(Row::read).transpose()?;
            match next {
                Some((id, timestamp)) if timestamp < time.as_micros() => low = id.min(high),
                // The first message above the middle is too new, or there is none.
                _ => high = middle,
            }
        }
        Ok(Seq(low))
    }
}
