//! A message that is stored.

use super::{
    Attachment, Attested, Conversation, ConversationId, DirectKey, FrankingTag, MessageId, Seq, Timestamp, User,
    UserId, Viewer,
};

/// A committed message. Where it was read for one user, only that user's copy is there and the other is empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its number in commit order, over the whole store.
    pub id: MessageId,
    /// The place of its event.
    pub seq: Seq,
    /// The conversation it belongs to.
    pub conversation_id: ConversationId,
    /// The sender.
    pub sender: UserId,
    /// The receiver.
    pub receiver: UserId,
    /// The copy for the sender.
    pub sender_copy: String,
    /// The copy for the receiver; empty in a message to oneself, which has one copy.
    pub receiver_copy: String,
    /// The kind of the payload, which only clients interpret.
    pub message_type: String,
    /// When it was stored; strictly increasing with `id`.
    pub timestamp: Timestamp,
    /// The sender's `client_id`, shown to the sender alone.
    pub client_id: Option<String>,
    /// The message to which this one is a reply, as its sender says.
    pub reply_to: Option<MessageId>,
    /// The moment from which on it is no longer shown; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// What the sender has committed to.
    pub franking_tag: Option<FrankingTag>,
    /// The files that it names, in the sender's order.
    pub attachments: Vec<Attachment>,
}

impl Message {
    /// Returns what a report token says of it.
    #[must_use]
    pub fn attested(&self) -> Attested {
        Attested {
            message: self.id,
            conversation: self.conversation_id,
            sender: self.sender,
            receiver: self.receiver,
            timestamp: self.timestamp,
            tag: self.franking_tag,
        }
    }

    /// Returns its conversation, whose members must learn of it.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        Conversation { id: self.conversation_id, direct: DirectKey::new(self.sender, self.receiver) }
    }

    /// Returns the copy that `viewer` can decrypt. For a message to oneself this is the sender's.
    #[must_use]
    pub fn content_for(&self, viewer: Viewer) -> &str {
        if viewer.user == self.sender { &self.sender_copy } else { &self.receiver_copy }
    }

    /// Returns the sender's `client_id`, when the sender is the viewer.
    #[must_use]
    pub fn client_id_for(&self, viewer: Viewer) -> Option<&str> {
        self.client_id.as_deref().filter(|_| viewer.user == self.sender)
    }

    /// Returns what of it `viewer` is shown, without the other copy.
    #[must_use]
    pub fn read_for(&self, viewer: Viewer) -> Self {
        let (mut sender_copy, mut receiver_copy) = (String::new(), String::new());
        let copy = if viewer.user == self.sender { &mut sender_copy } else { &mut receiver_copy };
        self.content_for(viewer).clone_into(copy);
        let client_id = self.client_id_for(viewer).map(str::to_owned);
        let (message_type, attachments) = (self.message_type.clone(), self.attachments.clone());
        Self { sender_copy, receiver_copy, message_type, client_id, attachments, ..*self }
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
    /// Returns the size, in bytes, of what `viewer` is shown.
    #[must_use]
    pub fn bytes(&self, viewer: Viewer) -> usize {
        self.newest.content_for(viewer).len() + self.partner.bytes()
    }
}

/// One line of a user's chat list.
#[derive(Clone)]
pub struct ChatListEntry {
    /// The other side; the user again for a self-chat.
    pub partner: User,
    /// The newest message of the conversation.
    pub newest: Message,
}
