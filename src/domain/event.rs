//! Events: what the devices of a user must learn, in one order.

use super::{Conversation, ConversationId, DirectKey, Message, MessageId, Seq, Timestamp, UserId, Viewer};

/// Something that every device of a user must learn. All of them see the same `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order.
    pub seq: Seq,
    /// The event itself.
    pub body: EventBody,
}

/// The kinds of event.
#[expect(clippy::large_enum_variant, reason = "nearly all events are messages, which a box would cost an allocation")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventBody {
    /// A message was stored.
    Message(Message),
    /// Messages were delivered or read.
    Receipt(Receipt),
    /// A message is gone.
    Deleted(Deletion),
    /// Everything older than this is gone, by the server's retention.
    DeletedBefore(Timestamp),
    /// A user has a new public key.
    KeyChanged {
        /// The user whose key changed.
        user: UserId,
        /// Names the new key.
        key_id: String,
    },
    /// An account is gone, and the conversation with it.
    UserDeleted(UserId),
    /// The user has blocked another user, or has ended that block.
    Block {
        /// The user who is blocked.
        user: UserId,
        /// Whether the block began (`true`) or ended.
        blocked: bool,
    },
}

/// What a receipt reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReceiptKind {
    /// A device has kept the messages.
    Delivered,
    /// The person has read them.
    Read,
}

/// How far one side of a conversation has received or read. Cumulative: it holds for all older messages too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its place in the order.
    pub seq: Seq,
    /// Delivered or read.
    pub kind: ReceiptKind,
    /// The conversation.
    pub conversation_id: ConversationId,
    /// The user who received or read.
    pub user: UserId,
    /// The partner whose messages they are.
    pub partner: UserId,
    /// The newest message it holds for.
    pub up_to: MessageId,
    /// The time at which it was stored.
    pub timestamp: Timestamp,
}

impl Receipt {
    /// Returns the conversation with its members.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        Conversation { id: self.conversation_id, direct: DirectKey::new(self.user, self.partner) }
    }
}

/// The sides for which a message is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The side that asks.
    Me,
    /// Both sides.
    Everyone,
}

/// A message that is gone, for one side or for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Its place in the order.
    pub seq: Seq,
    /// The message.
    pub id: MessageId,
    /// The conversation it was in.
    pub conversation_id: ConversationId,
    /// Its sender.
    pub sender: UserId,
    /// Its receiver.
    pub receiver: UserId,
    /// The sides for which it is gone.
    pub scope: Scope,
    /// The user who deleted it; `None` when it has expired.
    pub by: Option<UserId>,
}

impl Deletion {
    /// Returns the conversation with its members.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        Conversation { id: self.conversation_id, direct: DirectKey::new(self.sender, self.receiver) }
    }

    /// Returns the other side of the conversation, as `viewer` sees it.
    #[must_use]
    pub fn partner_for(&self, viewer: Viewer) -> UserId {
        if viewer.user == self.sender { self.receiver } else { self.sender }
    }
}
