//! Finding out what a transaction whose outcome is not known has stored.

use std::collections::HashSet;

use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::clock::random_bytes;
use crate::domain::{ConversationId, Message, MessageId, Seq, Timestamp, UserId};
use crate::storage::engine::begin::Batches;
use crate::storage::engine::json_rows::text;
use crate::storage::engine::sqlite::batches::SqliteTransaction;
use crate::storage::schema::entity::{body, message};
use crate::storage::{Storage, StorageError};

/// A row that is taken back before anybody sees it. Messages have numbers from 1 on.
const FILL: &str = "INSERT INTO bodies (id, sender_copy, receiver_copy) VALUES (-1, $1, '')";
/// As far back as PostgreSQL's compression looks for repetitions.
const ROOM_BLOCK: usize = 4096;
/// Messages read at once.
const PAGE: u64 = 256;

impl Storage {
    /// The highest number given to a message so far; 0 in an empty store.
    ///
    /// Writes to find out, first as much as `room` bytes, which are taken back. So it fails when the store cannot be
    /// written, as on a full disk; and it waits for every transaction that has taken numbers, so that afterwards their
    /// outcome is known.
    pub async fn probe_head(&self, room: usize) -> Result<Seq, StorageError> {
        if room > 0 {
            self.probe_room(room).await?;
        }
        let sql = "UPDATE store SET head = head WHERE id = 1 RETURNING head";
        let tx = self.begin().await?;
        let row = tx.query_one_raw(self.statement(sql, [])).await?;
        let head = row.ok_or(StorageError::Corrupt("the store row is missing"))?.try_get_by_index(0)?;
        tx.commit().await?;
        Ok(Seq(head))
    }

    /// Whether so many bytes can be written. They are not kept.
    async fn probe_room(&self, bytes: usize) -> Result<(), StorageError> {
        if let Batches::Sqlite(own) = &self.batches {
            return SqliteTransaction::begin(self.lock_batches(own).await?)?.try_room(bytes);
        }
        let tx = self.begin().await?;
        let filler = filler(bytes)?;
        tx.execute_raw(self.statement(FILL, [filler.into()])).await?;
        Ok(tx.rollback().await?)
    }

    /// Messages of these senders with a number above `after` and a time stamp of `since` or later, oldest first.
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
            let page = message::Entity::find()
                .filter(message::Column::Id.gt(after.0))
                .filter(message::Column::Id.lt(below))
                .order_by_desc(message::Column::Id)
                .limit(PAGE)
                .all(&self.reads)
                .await?;
            let oldest = page.last().map(|row| (row.id, row.timestamp));
            let wanted = |row: &message::Model| {
                row.timestamp >= since.as_micros() && senders.contains(&UserId(row.sender_id)) && row.gone_seq.is_none()
            };
            for row in page.into_iter().filter(wanted) {
                if let Some(body) = body::Entity::find_by_id(row.id).one(&self.reads).await? {
                    found.push(whole(row, body)?);
                }
            }
            match oldest {
                Some((id, timestamp)) if timestamp >= since.as_micros() => below = id,
                _ => break,
            }
        }
        found.reverse();
        Ok(found)
    }
}

fn whole(row: message::Model, body: body::Model) -> Result<Message, StorageError> {
    Ok(Message {
        id: MessageId(row.id),
        conversation_id: ConversationId(row.conversation_id),
        sender: UserId(row.sender_id),
        receiver: UserId(row.receiver_id),
        sender_copy: text(body.sender_copy)?,
        receiver_copy: text(body.receiver_copy)?,
        message_type: row.message_type,
        timestamp: Timestamp::from_micros(row.timestamp),
        client_id: row.client_id,
        reply_to: row.reply_to.map(MessageId),
        expires_at: row.expires_at.map(Timestamp::from_micros),
    })
}

/// So many bytes that cannot be made smaller: a block that is another one each time, again and again.
fn filler(bytes: usize) -> Result<Vec<u8>, StorageError> {
    let block: [u8; ROOM_BLOCK] = random_bytes()?;
    Ok(block.iter().copied().cycle().take(bytes).collect())
}
