//! What users ask the store to change, and what comes of it.

use super::{
    Authority, ClientId, ConversationId, Deletion, Draft, Event, MessageId, Proof, PublicKey, Receipt, Scope, Seq,
    Timestamp, UserId,
};

/// A change that the writer makes, in the order of arrival.
#[derive(Clone, Debug)]
pub enum Command {
    /// Store a message.
    Send(Box<Draft>),
    /// The user has read the partner's messages up to this one.
    Read {
        /// Who has read.
        user: UserId,
        /// Whose messages.
        partner: UserId,
        /// Up to this one; clamped to what exists.
        up_to: MessageId,
    },
    /// A device of the user keeps every event up to this one.
    Delivered {
        /// Whose device.
        user: UserId,
        /// The newest event it keeps.
        up_to: Seq,
    },
    /// Delete a message.
    Delete {
        /// Who asks.
        user: UserId,
        /// The message.
        id: MessageId,
        /// For whom.
        scope: Scope,
    },
    /// Block a user, or no longer.
    Block {
        /// Who blocks.
        user: UserId,
        /// Whom.
        other: UserId,
        /// Whether from now on.
        blocked: bool,
    },
    /// Replace the public key.
    SetKey {
        /// Whose.
        user: UserId,
        /// The new key.
        key: PublicKey,
        /// What allows it.
        authority: Authority,
    },
    /// Change what is not given as `None`.
    Configure {
        /// Whose settings.
        user: UserId,
        /// Whether others may see when the user is online, and the user them.
        presence: Option<bool>,
        /// Whether others may see what the user has read, and the user them.
        read_receipts: Option<bool>,
    },
    /// Delete an account and all its conversations.
    DeleteAccount {
        /// Whose.
        user: UserId,
        /// That they have given the password.
        proof: Proof,
        /// Until when an access token of the account could look valid.
        until: Timestamp,
    },
    /// A message has expired.
    Expire(MessageId),
    /// By the server's retention everything older is gone.
    Retain(Timestamp),
}

/// A user's choices; both are mutual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Show when the user is online, and see when others are.
    pub presence: bool,
    /// Show what the user has read, and see what others have.
    pub read_receipts: bool,
}

/// What came of one command.
#[derive(Debug)]
pub struct Outcome {
    /// What the one who asked is told.
    pub answer: Result<Answer, Refusal>,
    /// What happened, and who must learn it, in the order of `seq`.
    pub events: Vec<(Audience, std::sync::Arc<Event>)>,
}

/// Who must learn of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// One user's devices.
    User(UserId),
    /// Everybody.
    All,
}

/// What a command has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The message is stored.
    Stored(Stored),
    /// How far the user has read now.
    Read {
        /// The standing receipt.
        receipt: Receipt,
        /// Whether this command has not moved it.
        duplicate: bool,
    },
    /// There is nothing in the conversation that could be read.
    NothingRead {
        /// The conversation.
        conversation_id: ConversationId,
        /// Who asked.
        user: UserId,
        /// Whose messages.
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
    /// Done, and nothing to tell.
    Done,
}

/// What the sender of a message is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The sender's name for it; none from the legacy dialect.
    pub client_id: Option<ClientId>,
    /// Its conversation.
    pub conversation_id: ConversationId,
    /// Its id, and its `seq`.
    pub id: MessageId,
    /// When it was stored.
    pub timestamp: Timestamp,
    /// Whether it was stored by an earlier try.
    pub duplicate: bool,
}

/// Why a single command was not carried out. Nothing of it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such user.
    UnknownUser,
    /// A copy is above the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// One of the two has blocked the other.
    Blocked,
    /// The sender has used the client id for another message.
    Conflict {
        /// The message it names.
        id: MessageId,
        /// When that one was stored.
        timestamp: Timestamp,
    },
    /// The message is encrypted to a key that the receiver has replaced.
    StaleKey {
        /// Names the receiver's present key.
        key_id: String,
    },
    /// No such thing, or not this user's.
    NotFound,
    /// This user may not, or no longer.
    Forbidden,
}
