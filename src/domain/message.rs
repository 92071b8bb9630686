//! A message that is stored.

use super::{ConversationId, MessageId, Timestamp, User, UserId};

/// A committed message. Where it was read for one user, only that user's copy is there and the other is empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number in commit order, over the whole store.
    pub id: MessageId,
    /// The conversation it belongs to.
    pub conversation_id: ConversationId,
    /// Who sent it.
    pub sender: UserId,
    /// Whom it was sent to.
    pub receiver: UserId,
    /// The copy for the sender.
    pub sender_copy: String,
    /// The copy for the receiver; empty in a message to oneself, which has one copy.
    pub receiver_copy: String,
    /// What the payload is to the clients.
    pub message_type: String,
    /// When it was stored; strictly increasing with `id`.
    pub timestamp: Timestamp,
    /// The name its sender gave it, shown to the sender alone.
    pub client_id: Option<String>,
    /// The message that this one answers, as its sender says.
    pub reply_to: Option<MessageId>,
    /// From when on nobody is shown it.
    pub expires_at: Option<Timestamp>,
}

impl Message {
    /// The copy that `user` can decrypt. A message to oneself shows the sender's.
    #[must_use]
    pub fn content_for(&self, user: UserId) -> &str {
        if user == self.sender { &self.sender_copy } else { &self.receiver_copy }
    }

    /// The name its sender gave it, when `user` is the sender.
    #[must_use]
    pub fn client_id_for(&self, user: UserId) -> Option<&str> {
        self.client_id.as_deref().filter(|_| user == self.sender)
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("conversation_id", &self.conversation_id)
            .field("sender", &self.sender)
            .field("receiver", &self.receiver)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

impl ChatListEntry {
    /// Bytes of what `user` is told.
    #[must_use]
    pub fn bytes(&self, user: UserId) -> usize {
        self.newest.content_for(user).len() + self.partner.bytes()
    }
}

/// One line of a user's chat list.
#[derive(Clone)]
pub struct ChatListEntry {
    /// The other side; oneself for notes to oneself.
    pub partner: User,
    /// The newest message of the conversation.
    pub newest: Message,
}
