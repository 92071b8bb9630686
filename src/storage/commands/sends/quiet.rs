//! Messages that wake nobody: noted where they are the newest ones of a conversation, so that nobody is woken for them
//! later either, when all that is known is what a device has not acknowledged.

use std::collections::BTreeMap;

use crate::domain::{ConversationId, Urgency, UserId};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Targets};
use crate::storage::commands::sends::Accepted;
use crate::storage::engine::joint_changes::JointChanges;

/// In the conversation `column2` of the user `column1`, the newest message is `column3`, which wakes nobody; the newest
/// one of this batch that does is `column4`, or 0.
const QUIET: &str = "UPDATE members SET quiet_to = v.column3, quiet_from = CASE WHEN v.column4 > 0 THEN v.column4 \
     WHEN members.quiet_to >= members.newest_inbound THEN members.quiet_from ELSE members.newest_inbound END \
     FROM {v} WHERE members.user_id = v.column1 AND members.conversation_id = v.column2";

impl Batch<'_> {
    /// Notes the messages that wake nobody. Before they are stored: what is the newest one is taken from the row. A
    /// retry, which is not stored, leaves a number that no message has.
    pub(super) async fn note_quiet(&self, accepted: &[Accepted]) -> Result<(), StorageError> {
        let is_quiet = |accepted: &Accepted| accepted.urgency == Urgency::None;
        // Nobody is woken where no device is registered, and who registers has read what is older.
        if self.targets != Targets::Woken || !accepted.iter().any(is_quiet) {
            return Ok(());
        }
        let mut newest: BTreeMap<(UserId, ConversationId), [i64; 2]> = BTreeMap::new();
        for accepted in accepted.iter().filter(|accepted| accepted.message.sender != accepted.message.receiver) {
            let message = &accepted.message;
            let of_each = newest.entry((message.receiver, message.conversation_id)).or_default();
            of_each[usize::from(!is_quiet(accepted))] = message.id.0;
        }
        let rows: Vec<[i64; 4]> = newest
            .into_iter()
            .filter(|(_, [quiet, waking])| quiet > waking)
            .map(|((user, conversation), [quiet, waking])| [user.0.into(), conversation.0, quiet, waking])
            .collect();
        let mut changes = JointChanges::new(self.storage.backend());
        changes.add(QUIET, &rows);
        changes.make(&self.tx).await
    }
}
