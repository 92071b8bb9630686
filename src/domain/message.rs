//! A message that is stored.

use super::{ConversationId, MessageId, Timestamp, User, UserId};

/// A committed message with both encrypted copies.
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
    /// The copy for the receiver.
    pub receiver_copy: String,
    /// What the payload is to the clients.
    pub message_type: String,
    /// When it was stored; strictly increasing with `id`.
    pub timestamp: Timestamp,
}

impl Message {
    /// The copy that `user` can decrypt. A message to oneself shows the sender's.
    #[must_use]
    pub fn content_for(&self, user: UserId) -> &str {
        if user == self.sender { &self.sender_copy } else { &self.receiver_copy }
    }
}

/// A message as one user sees it: with their copy alone.
#[derive(Clone, PartialEq, Eq)]
pub struct MessageCopy {
    /// Who sent it.
    pub sender: UserId,
    /// Whom it was sent to.
    pub receiver: UserId,
    /// The copy for the one who reads it.
    pub content: String,
    /// What the payload is to the clients.
    pub message_type: String,
    /// When it was stored.
    pub timestamp: Timestamp,
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

/// One line of a user's chat list.
#[derive(Clone)]
pub struct ChatListEntry {
    /// The other side; oneself for notes to oneself.
    pub partner: User,
    /// The newest message of the conversation.
    pub newest: MessageCopy,
}
