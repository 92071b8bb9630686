//! What deletions change: messages, ciphertexts, counts of unread messages, and events.

use sea_orm::DatabaseBackend;

use crate::domain::{MessageId, Seq, Timestamp, UserId};
use crate::storage::StorageError;
use crate::storage::commands::attachments::release;
use crate::storage::commands::deletions::targets::Change;
use crate::storage::engine::erase::{Side, erase};
use crate::storage::engine::joint_changes::JointChanges;
use crate::storage::engine::tx::Tx;
use crate::storage::schema::kinds::EventKind;

/// 0 stands for NULL.
const MESSAGES: &str = "UPDATE messages SET sender_gone = NULLIF(v.column2, 0), receiver_gone = NULLIF(v.column3, 0), \
     gone_seq = NULLIF(v.column4, 0), gone_how = v.column5, expires_at = NULLIF(v.column6, 0), \
     attachments = CASE WHEN v.column4 = 0 THEN messages.attachments END \
     FROM {v} WHERE messages.id = v.column1";
/// The messages `column3` of the conversation `column2` no longer count as unread to the user `column1`, who may have
/// lost several.
const UNREAD: &str = "UPDATE members SET unread = \
     CASE WHEN members.unread > n.lost THEN members.unread - n.lost ELSE 0 END \
     FROM (SELECT v.column1 AS user_id, v.column2 AS conversation_id, COUNT(*) AS lost FROM {v} \
     JOIN members AS m ON m.user_id = v.column1 AND m.conversation_id = v.column2 \
     WHERE m.read_id < v.column3 GROUP BY v.column1, v.column2) AS n \
     WHERE members.user_id = n.user_id AND members.conversation_id = n.conversation_id";
const EVENTS: &str = "INSERT INTO events (user_id, seq, kind, subject, detail) \
     SELECT v.column1, v.column2, v.column3, v.column4, '' FROM {v} WHERE v.column1 IS NOT NULL";

/// The changes of some deletions; at most one of each message.
#[derive(Default)]
pub(in crate::storage) struct Changes {
    messages: Vec<[i64; 6]>,
    erased: [Vec<[i64; 1]>; 3],
    unread: Vec<[i64; 3]>,
    events: Vec<[i64; 4]>,
    /// Messages that keep no files any more.
    released: Vec<i64>,
}

/// The sides whose copies are erased, in the order of [`Changes::erased`].
const SIDES: [Side; 3] = [Side::Both, Side::Sender, Side::Receiver];

impl Changes {
    /// Adds what has become of a message.
    pub(in crate::storage) fn message(&mut self, Change { before, now }: &Change) {
        if before == now {
            return;
        }
        let seq = |seq: Option<Seq>| seq.map_or(0, |seq| seq.0);
        self.messages.push([
            now.id.0,
            seq(now.sender_gone),
            seq(now.receiver_gone),
            seq(now.gone_seq),
            now.gone_how.stored().into(),
            now.expires_at.map_or(0, Timestamp::as_micros),
        ]);
        let is_lost = |before: Option<Seq>, now: Option<Seq>| now.is_some() && before != now;
        let lost = [
            is_lost(before.gone_seq, now.gone_seq),
            is_lost(before.sender_gone, now.sender_gone),
            is_lost(before.receiver_gone, now.receiver_gone),
        ];
        if let Some((ids, _)) = self.erased.iter_mut().zip(lost).find(|(_, is_lost)| *is_lost) {
            ids.push([now.id.0]);
        }
        if now.names_files != 0 && is_lost(before.gone_seq, now.gone_seq) {
            self.released.push(now.id.0);
        }
        if before.is_with_receiver() && !now.is_with_receiver() {
            self.unread.push([now.receiver.0.into(), now.conversation_id.0, now.id.0]);
        }
    }

    /// Adds an event about a message, for one of those who must learn of it.
    pub(in crate::storage) fn event(&mut self, user: UserId, seq: Seq, kind: EventKind, id: MessageId) {
        self.events.push([user.0.into(), seq.0, kind.stored().into(), id.0]);
    }

    /// Returns whether a ciphertext is erased.
    pub(in crate::storage) fn destroys(&self) -> bool {
        self.erased.iter().any(|ids| !ids.is_empty())
    }

    /// Returns whether there is nothing to change.
    pub(in crate::storage) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Makes the changes.
    pub(in crate::storage) async fn make(&self, tx: &impl Tx, backend: DatabaseBackend) -> Result<(), StorageError> {
        self.add_to(JointChanges::new(backend)).make(tx).await?;
        release(tx, backend, &self.released).await
    }

    /// Returns whether files are kept by fewer messages afterwards, which takes statements of its own.
    pub(in crate::storage) fn releases_files(&self) -> bool {
        !self.released.is_empty()
    }

    /// Returns the statement that makes the changes on PostgreSQL, without parameters; `None` when there are none. Not
    /// for changes that [release files](Self::releases_files).
    pub(in crate::storage) fn text(&self) -> Option<String> {
        self.add_to(JointChanges::in_text()).into_text()
    }

    fn add_to(&self, mut changes: JointChanges) -> JointChanges {
        let backend = changes.backend();
        changes.add(MESSAGES, &self.messages);
        for (side, ids) in SIDES.into_iter().zip(&self.erased) {
            changes.add(erase(backend, side), ids);
        }
        changes.add(UNREAD, &self.unread);
        changes.add(EVENTS, &self.events);
        changes
    }
}
