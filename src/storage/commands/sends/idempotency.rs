//! Recognition of a message that its sender has sent before.
//!
//! The unique index over client ids decides: a message whose client id the sender has used is not inserted. Only then
//! the earlier message is looked up, and beforehand only for the few whose answer may depend on it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::domain::{
    Answer, ClientId, ConversationId, Draft, MessageId, Once, Outcome, Refusal, Stored, Timestamp, UserId,
};
use crate::storage::StorageError;
use crate::storage::commands::batch::{Batch, Place};
use crate::storage::commands::sends::{Accepted, stored};
use crate::storage::engine::bulk::{Bulk, Cell};
use crate::storage::engine::row::{Columns as _, columns};
use crate::storage::engine::tx::Tx as _;
use crate::storage::schema::numbers::seq_of;

columns! {
    /// A stored message, as a retry of it is answered.
    struct KnownColumns {
        client_id: String = "m.client_id",
        sender: UserId = "m.sender_id",
        content_hash: Option<Vec<u8>> = "m.content_hash",
        id: MessageId = "m.id",
        conversation_id: ConversationId = "m.conversation_id",
        timestamp: Timestamp = "m.timestamp",
    }
}

/// Finds the messages with the given client ids and senders.
pub(in crate::storage) static KNOWN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH {{rows}} SELECT {} FROM v \
         JOIN messages AS m ON m.client_id = v.column1 AND m.sender_id = v.column2",
        KnownColumns::select()
    )
});

/// The message that a sender first stored under a client id.
struct First {
    stored: Stored,
    content_hash: Vec<u8>,
}

/// Client ids that were looked up, and the messages stored under them.
#[derive(Default)]
pub(super) struct Known(HashMap<(UserId, ClientId), Option<First>>);

impl Known {
    /// Returns the outcome of a retry; `None` when the draft is none.
    pub(super) fn retried(&self, sender: UserId, once: &Once) -> Option<Outcome> {
        if self.0.is_empty() {
            return None;
        }
        let first = self.0.get(&(sender, once.client_id.clone()))?.as_ref()?;
        Some(if first.content_hash == once.content_hash {
            Outcome::done(Answer::Stored(first.stored.clone()))
        } else {
            let Stored { id, seq, timestamp, .. } = first.stored;
            Outcome::refused(Refusal::Conflict { id, seq, timestamp })
        })
    }

    /// Records that a client id that was looked up is in use now.
    pub(super) fn first(&mut self, accepted: &Accepted) {
        if self.0.is_empty() {
            return;
        }
        let name = accepted.message.client_id.as_deref().and_then(ClientId::parse);
        if let (Some(name), Some(hash)) = (name, accepted.content_hash)
            && let Some(slot) = self.0.get_mut(&(accepted.message.sender, name))
        {
            *slot = Some(First { stored: stored(&accepted.message, true), content_hash: hash.to_vec() });
        }
    }
}

impl Batch<'_> {
    /// Returns the client ids that must be looked up before anything is stored: those that occur twice, and those of
    /// drafts that may be refused or make a conversation, neither of which a retry does.
    pub(super) fn doubtful(&self, drafts: &[(Place, Draft)]) -> Vec<(UserId, ClientId)> {
        let mut times: HashMap<(UserId, &ClientId), usize> = HashMap::new();
        for (_, draft) in drafts {
            if let Some(once) = &draft.once {
                *times.entry((draft.sender, &once.client_id)).or_default() += 1;
            }
        }
        let doubtful = drafts.iter().filter_map(|(_, draft)| {
            let name = (draft.sender, &draft.once.as_ref()?.client_id);
            (times.get(&name) != Some(&1) || !self.is_plain(draft)).then(|| (name.0, name.1.clone()))
        });
        doubtful.collect()
    }

    /// Returns whether the cache shows that the draft can be accepted.
    fn is_plain(&self, draft: &Draft) -> bool {
        let is_whole = draft.objection.is_none() && draft.reply_to.is_none();
        let Some(direct) = draft.conversation.filter(|_| is_whole) else { return false };
        let (conversation, receiver) = (self.cache.conversations.peek(&direct), direct.partner_of(draft.sender));
        let has_present_key = |key: &String| self.cache.users.peek(&receiver).is_some_and(|user| user.key_id == *key);
        conversation.is_some_and(|conversation| !conversation.is_blocked)
            && draft.receiver_key_id.as_ref().is_none_or(has_present_key)
    }

    /// Looks up the messages that the senders have stored under these client ids.
    pub(super) async fn known(&self, names: Vec<(UserId, ClientId)>) -> Result<Known, StorageError> {
        if names.is_empty() {
            return Ok(Known::default());
        }
        let rows = names.iter().map(|(sender, name)| [Cell::Text(name.as_str()), Cell::Int(sender.0)]);
        let statements = Bulk::new(rows).statements(self.storage.backend(), &KNOWN);
        let mut known: HashMap<_, _> = names.into_iter().map(|name| (name, None)).collect();
        for statement in statements {
            for row in self.tx.query(statement).await? {
                let found: KnownColumns = row.read()?;
                let client_id = ClientId::parse(&found.client_id).ok_or(StorageError::Corrupt("a client id"))?;
                let stored = Stored {
                    client_id: Some(client_id.clone()),
                    conversation_id: found.conversation_id,
                    id: found.id,
                    seq: seq_of(found.id),
                    timestamp: found.timestamp,
                    duplicate: true,
                };
                let first = First { stored, content_hash: found.content_hash.unwrap_or_default() };
                known.insert((found.sender, client_id), Some(first));
            }
        }
        Ok(Known(known))
    }

    /// Finishes those that were not inserted because they are retries, and returns the others.
    pub(super) async fn new_ones(&mut self, accepted: Vec<Accepted>) -> Result<Vec<Accepted>, StorageError> {
        let name = |accepted: &Accepted| {
            let client_id = accepted.message.client_id.as_deref().and_then(ClientId::parse)?;
            Some((accepted.message.sender, client_id))
        };
        let known = self.known(accepted.iter().filter_map(name).collect()).await?;
        let mut new_ones = Vec::with_capacity(accepted.len());
        for accepted in accepted {
            let once = name(&accepted).zip(accepted.content_hash);
            let once = once.map(|((_, client_id), content_hash)| Once { client_id, content_hash });
            match once.and_then(|once| known.retried(accepted.message.sender, &once)) {
                Some(Outcome { answer: Ok(Answer::Stored(stored)), .. }) if stored.id == accepted.message.id => {
                    new_ones.push(accepted);
                }
                Some(outcome) => self.finish(accepted.place, outcome),
                None => new_ones.push(accepted),
            }
        }
        Ok(new_ones)
    }
}
