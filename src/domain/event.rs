//! What the devices of a user must learn, in one order.

use super::{ConversationId, Message, MessageId, Seq, Timestamp, UserId};

/// Something that every device of a user must learn. All of them see the same `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order.
    pub seq: Seq,
    /// What it is.
    pub body: EventBody,
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventBody {
    /// A message was stored.
    Message(Message),
    /// Messages have reached somebody, or were read.
    Receipt(Receipt),
    /// A message is gone.
    Deleted(Deletion),
    /// Everything older than this is gone, by the server's retention.
    DeletedBefore(Timestamp),
    /// Somebody has a new public key.
    KeyChanged {
        /// Whose.
        user: UserId,
        /// Names the new key.
        key_id: String,
    },
    /// An account is gone, and the conversation with it.
    UserDeleted(UserId),
    /// The user has blocked somebody, or no longer does.
    Block {
        /// Whom.
        user: UserId,
        /// Whether from now on.
        blocked: bool,
    },
}

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReceiptKind {
    /// Kept by a device.
    Delivered,
    /// Read by the person.
    Read,
}

/// How far one side of a conversation has got. Cumulative: it holds for everything older too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its place in the order.
    pub seq: Seq,
    /// Delivered or read.
    pub kind: ReceiptKind,
    /// Where.
    pub conversation_id: ConversationId,
    /// Who received or read.
    pub user: UserId,
    /// Whose messages.
    pub partner: UserId,
    /// The newest message it holds for.
    pub up_to: MessageId,
    /// When.
    pub timestamp: Timestamp,
}

/// For whom a message is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// For the one who asks.
    Me,
    /// For both sides.
    Everyone,
}

/// A message that is gone, for one side or for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Its place in the order.
    pub seq: Seq,
    /// The message.
    pub id: MessageId,
    /// Where it was.
    pub conversation_id: ConversationId,
    /// Who had sent it.
    pub sender: UserId,
    /// Whom it had been sent to.
    pub receiver: UserId,
    /// For whom it is gone.
    pub scope: Scope,
    /// Who deleted it; `None` when it has expired.
    pub by: Option<UserId>,
}

impl Deletion {
    /// The other side of the conversation, as `user` sees it.
    #[must_use]
    pub fn partner_of(&self, user: UserId) -> UserId {
        if user == self.sender { self.receiver } else { self.sender }
    }
}
