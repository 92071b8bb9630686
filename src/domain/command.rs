//! Changes that users or the server ask for, and their outcomes.

use secrecy::SecretString;

use super::{
    AddressRule, AddressRuleChange, Authority, ClientId, Conversation, ConversationId, Deletion, DeviceId, DirectKey,
    Draft, Event, Limited, LoginEnd, LoginId, LoginMark, MessageId, Network, NewRefreshToken, NewTarget, Proof,
    PublicKey, Receipt, RegisteredTarget, Scope, Seq, Timestamp, UserId, WhichLogins,
};

/// A change that the writer makes, in the order of arrival.
#[derive(Clone, Debug)]
pub enum Command {
    /// Store a message.
    Send(Box<Draft>),
    /// The user has read the partner's messages up to this one.
    Read {
        /// The user who has read.
        user: UserId,
        /// The conversation that was read.
        conversation: DirectKey,
        /// The newest message that was read; clamped to those that exist.
        up_to: MessageId,
    },
    /// A device of the user has kept every event up to this one.
    Delivered {
        /// The user whose device it is.
        user: UserId,
        /// The newest event that the device has kept.
        up_to: Seq,
    },
    /// Delete a message.
    Delete {
        /// The user who asks.
        user: UserId,
        /// The message to delete.
        id: MessageId,
        /// Whether for one side or for both.
        scope: Scope,
    },
    /// Block a user, or end a block.
    Block {
        /// The user who blocks.
        user: UserId,
        /// The user who is blocked.
        other: UserId,
        /// Whether the block begins (`true`) or ends.
        blocked: bool,
    },
    /// Replace the public key.
    SetKey {
        /// The user whose key it is.
        user: UserId,
        /// The new key.
        key: PublicKey,
        /// What allows the change.
        authority: Authority,
    },
    /// Change the settings that are not `None`.
    Configure {
        /// The user whose settings they are.
        user: UserId,
        /// Whether others may see when the user is online, and the user them.
        presence: Option<bool>,
        /// Whether others may see what the user has read, and the user them.
        read_receipts: Option<bool>,
    },
    /// Delete an account and all its conversations.
    DeleteAccount {
        /// The user whose account it is.
        user: UserId,
        /// Proof that the user has given the password.
        proof: Proof,
        /// The moment until which an access token of the account could look valid.
        until: Timestamp,
    },
    /// End logins of a user.
    EndLogins {
        /// The user whose logins they are.
        user: UserId,
        /// The logins to end.
        which: WhichLogins,
        /// The login that asks, if one does. Its tokens are refused when it is among them, even when the store does not
        /// know it.
        asking: Option<LoginId>,
        /// Why they end.
        end: LoginEnd,
    },
    /// Change the password, end all logins of the user, and begin a new one.
    ChangePassword(Box<NewPassword>),
    /// Change an account as an operator does. All its logins end by it, unless it is enabled.
    ControlAccount {
        /// The user whose account it is.
        user: UserId,
        /// What is changed.
        change: AccountChange,
    },
    /// Note something about a login.
    MarkLogin(LoginMark),
    /// Destroy a message that has expired.
    Expire(MessageId),
    /// Destroy everything older than this, by the server's retention.
    Retain(Timestamp),
    /// Change the rules about addresses.
    ChangeAddressRules(Box<AddressRuleChange>),
    /// Register a device to be woken, or replace its address.
    RegisterTarget(Box<NewTarget>),
    /// Wake a device no more.
    RemoveTarget {
        /// The user whose device it is.
        user: UserId,
        /// The device.
        device: DeviceId,
    },
}

/// A change of a password.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// The user whose password it is.
    pub user: UserId,
    /// Proof that the user has given the old password.
    pub proof: Proof,
    /// The argon2id hash of the new one, in PHC form.
    pub hash: SecretString,
    /// The refresh token of the login that begins.
    pub token: NewRefreshToken,
    /// The network that it comes from, if known.
    pub network: Option<Network>,
}

/// What an operator changes of an account.
#[derive(Clone, Debug)]
pub enum AccountChange {
    /// Nobody signs in to it any more.
    Disable,
    /// Its user may sign in again.
    Enable,
    /// The argon2id hash of its password is replaced, in PHC form.
    ReplacePassword(SecretString),
    /// Its second factor is switched off.
    RemoveSecondFactor,
}

/// A user's choices; both are mutual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Show when the user is online, and see when others are.
    pub presence: bool,
    /// Show what the user has read, and see what others have.
    pub read_receipts: bool,
}

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
