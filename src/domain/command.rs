//! Changes that users or the server ask for.

use secrecy::SecretString;

use super::{
    AddressRuleChange, Authority, DeviceId, DirectKey, Draft, LoginEnd, LoginId, LoginMark, MessageId, Network,
    NewRefreshToken, NewTarget, Proof, PublicKey, Scope, Seq, Timestamp, UserId, WhichLogins,
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
    /// Set a mark on a login.
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
