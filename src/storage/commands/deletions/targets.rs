//! The messages that deletions and expiries of a batch are about.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::DatabaseBackend;

use crate::domain::{ConversationId, MessageId, Seq, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::Batch;
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::fixed_joins::{join, left_join};
use crate::storage::engine::row::{Columns as _, Row, columns};
use crate::storage::schema::kinds::GoneHow;

columns! {
    /// A message as a deletion sees it, and leaves it.
    #[derive(Clone, Copy, PartialEq)]
    pub(in crate::storage) struct Target {
        id: MessageId = "m.id",
        conversation_id: ConversationId = "m.conversation_id",
        sender: UserId = "m.sender_id",
        receiver: UserId = "m.receiver_id",
        timestamp: Timestamp = "m.timestamp",
        expires_at: Option<Timestamp> = "m.expires_at",
        sender_gone: Option<Seq> = "m.sender_gone",
        receiver_gone: Option<Seq> = "m.receiver_gone",
        gone_seq: Option<Seq> = "m.gone_seq",
        gone_how: GoneHow = "m.gone_how",
        /// Not 0 when it names files.
        names_files: i32 = "CASE WHEN m.attachments IS NULL THEN 0 ELSE 1 END",
        /// The conversation, while it is there.
        conversation: Option<i64> = "c.id",
        /// The time of the mark for the time stamp, where that was ahead of the clock (see `clock_marks`).
        marked_at: Option<Timestamp> = "(SELECT CASE WHEN k.committed_at <> k.clock THEN k.committed_at END \
             FROM clock_marks AS k WHERE k.clock <= m.timestamp ORDER BY k.clock DESC LIMIT 1)",
    }
}

impl Target {
    /// Returns whether the receiver still has the message of another user.
    pub(super) fn is_with_receiver(&self) -> bool {
        self.receiver != self.sender && self.receiver_gone.is_none() && self.gone_seq.is_none()
    }
}

/// A message before some deletions, and after those so far.
pub(in crate::storage) struct Change {
    pub(in crate::storage) before: Target,
    pub(in crate::storage) now: Target,
}

impl Change {
    /// Begins with a message as it is.
    pub(in crate::storage) fn of(target: Target) -> Self {
        Self { before: target, now: target }
    }
}

/// Returns the query for targets by their ids, for each row of a list.
pub(in crate::storage) fn targets_query(backend: DatabaseBackend) -> String {
    format!(
        "WITH {{rows}} SELECT {} FROM v {} {}",
        Target::select(),
        join(backend, "messages", "m", "m.id = v.column1"),
        left_join(backend, "conversations", "c", "c.id = m.conversation_id"),
    )
}

impl Batch<'_> {
    /// Reads the messages with these ids, all at once.
    pub(super) async fn targets(
        &self,
        ids: impl Iterator<Item = MessageId>,
    ) -> Result<BTreeMap<MessageId, Change>, StorageError> {
        let ids: BTreeSet<MessageId> = ids.collect();
        let list = Bulk::new(ids.into_iter().map(|id| [Cell::BigInt(id.0)]));
        let rows = self.tx.query_each(&targets_query(self.storage.backend()), &list).await?;
        let targets = rows.into_iter().map(Row::read::<Target>);
        targets.map(|target| target.map(|target| (target.id, Change::of(target)))).collect()
    }
}
