//! What becomes of commands: the answer, the events, and who learns of them.

use super::{
    AddressRule, ClientId, Conversation, ConversationId, Deletion, Event, Limited, LoginId, MessageId, Receipt,
    RegisteredTarget, Seq, Settings, Timestamp, UserId,
};

/// The outcome of one command.
#[derive(Debug)]
pub struct Outcome {
    /// The answer to the socket or caller that sent the command.
    pub answer: Result<Answer, Refusal>,
    /// The events that it has caused, each with its audience, in the order of `seq`.
    pub events: Vec<(Audience, std::sync::Arc<Event>)>,
}

/// The users who must learn of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// One user's devices.
    User(UserId),
    /// The devices of all members of a conversation.
    Members(Conversation),
    /// All users.
    All,
}

impl Audience {
    /// Returns whether `user` must learn of it.
    #[must_use]
    pub fn includes(self, user: UserId) -> bool {
        match self {
            Self::User(only) => only == user,
            Self::Members(conversation) => conversation.has(user),
            Self::All => true,
        }
    }
}

/// The answer to a command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The message is stored.
    Stored(Stored),
    /// How far the user has read now.
    Read {
        /// The standing receipt.
        receipt: Receipt,
        /// Whether the receipt stood there before this command.
        duplicate: bool,
    },
    /// The conversation has no message of the partner that could be read.
    NothingRead {
        /// The conversation.
        conversation_id: ConversationId,
        /// The user who asked.
        user: UserId,
        /// The partner whose messages were to be read.
        partner: UserId,
    },
    /// The message is gone.
    Deleted {
        /// The standing deletion.
        deletion: Deletion,
        /// Whether an earlier command has done it.
        duplicate: bool,
    },
    /// The key is in use.
    KeySet {
        /// Names the new key.
        key_id: String,
    },
    /// The settings as they are now.
    Configured(Settings),
    /// The logins have ended.
    LoginsEnded {
        /// How many of them had not ended before.
        count: usize,
    },
    /// The password is changed, and a new login has begun.
    LoginBegun(BegunLogin),
    /// The account is as it was asked for.
    AccountControlled {
        /// Whether it was otherwise before.
        changed: bool,
    },
    /// The device is registered.
    TargetRegistered(RegisteredTarget),
    /// The rule is made.
    AddressRule(AddressRule),
    /// The command is carried out; there is nothing more to say.
    Done,
}

/// The answer to the sender of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The sender's `client_id`; none from the legacy dialect.
    pub client_id: Option<ClientId>,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Its id.
    pub id: MessageId,
    /// The place of its event.
    pub seq: Seq,
    /// When it was stored.
    pub timestamp: Timestamp,
    /// Whether it was stored by an earlier try.
    pub duplicate: bool,
}

/// A login that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunLogin {
    /// Its id.
    pub id: LoginId,
    /// The user's name, as registered.
    pub name: String,
}

/// The reason why a single command was not carried out. Nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such user.
    UnknownUser,
    /// A copy is above the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It was done too often.
    Limited(Limited),
    /// The sender has as many messages in the store as allowed.
    Quota,
    /// One of the two has blocked the other.
    Blocked,
    /// The sender has used the client id for another message.
    Conflict {
        /// The message it names.
        id: MessageId,
        /// The place of that one's event.
        seq: Seq,
        /// When that one was stored.
        timestamp: Timestamp,
    },
    /// The message is encrypted to a key that the receiver has replaced.
    StaleKey {
        /// Names the receiver's present key.
        key_id: String,
    },
    /// The object does not exist, or belongs to another user.
    NotFound,
    /// A file that the message names is not there, not whole, or another user's.
    NoAttachment {
        /// The first such file, as the sender has written its id.
        id: String,
    },
    /// The user may not do this, or no longer.
    Forbidden,
}
