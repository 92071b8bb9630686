//! The message that a reply refers to: one of the same conversation, gone or not.

use std::collections::HashMap;

use crate::domain::{ConversationId, Draft, MessageId};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::tx::Tx as _;

const CONVERSATIONS: &str = "WITH {rows} SELECT m.id, m.conversation_id FROM v JOIN messages AS m ON m.id = v.column1";

/// The messages that a batch replies to, and their conversations.
pub(super) struct Originals(HashMap<MessageId, ConversationId>);

impl Originals {
    /// Returns whether a draft in this conversation may reply to this message; a new conversation has none.
    pub(super) fn has(&self, reply_to: Option<MessageId>, conversation: Option<ConversationId>) -> bool {
        reply_to.is_none_or(|id| conversation.is_some() && self.0.get(&id).copied() == conversation)
    }
}

impl Batch<'_> {
    /// Looks up the messages that the drafts reply to, all at once. Asks nothing when no draft is a reply.
    pub(super) async fn originals(&self, drafts: &[(Place, Draft)]) -> Result<Originals, StorageError> {
        let mut originals = HashMap::new();
        let ids: Vec<_> = drafts.iter().filter_map(|(_, draft)| draft.reply_to).collect();
        if ids.is_empty() {
            return Ok(Originals(originals));
        }
        let list = Bulk::new(ids.into_iter().map(|id| [Cell::BigInt(id.0)]));
        for statement in list.statements(self.storage.backend(), CONVERSATIONS) {
            for row in self.tx.query(statement).await? {
                let (id, conversation) = row.read()?;
                originals.insert(id, conversation);
            }
        }
        Ok(Originals(originals))
    }
}
