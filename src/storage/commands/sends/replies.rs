//! What a message answers: a message of the same conversation, gone or not.

use std::collections::HashMap;

use crate::domain::{ConversationId, Draft, MessageId};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place};
use crate::storage::engine::bulk::{Bulk, Cell};

const CONVERSATIONS: &str = "WITH {rows} SELECT m.id, m.conversation_id FROM v JOIN messages AS m ON m.id = v.column1";

/// The messages that a batch answers, and where they are.
pub(super) struct Originals(HashMap<MessageId, ConversationId>);

impl Originals {
    /// Whether a draft in this conversation may answer this message; a new conversation has none.
    pub(super) fn has(&self, reply_to: Option<MessageId>, conversation: Option<ConversationId>) -> bool {
        reply_to.is_none_or(|id| conversation.is_some() && self.0.get(&id).copied() == conversation)
    }
}

impl Batch<'_> {
    /// Looks up what the drafts answer, all at once; nothing when none of them answers anything.
    pub(super) async fn originals(&self, drafts: &[(Place, Draft)]) -> Result<Originals, StorageError> {
        let mut originals = HashMap::new();
        let ids: Vec<_> = drafts.iter().filter_map(|(_, draft)| draft.reply_to).collect();
        if ids.is_empty() {
            return Ok(Originals(originals));
        }
        let list = Bulk::new(ids.into_iter().map(|id| [Cell::BigInt(id.0)]));
        for statement in list.statements(self.storage.backend(), CONVERSATIONS) {
            for row in self.tx.query(statement).await? {
                originals.insert(MessageId(row.get(0)?), ConversationId(row.get(1)?));
            }
        }
        Ok(Originals(originals))
    }
}
