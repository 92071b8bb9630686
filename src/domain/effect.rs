//! Effects: what follows from a committed command beside its events and its answer.

use super::{Command, LoginEnd, LoginId, Timestamp, UserId};

/// Something that the server itself must act on once a command is committed. Plain data, which may be acted on more
/// than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Logins have ended: their access tokens are refused, and their sockets closed.
    LoginsEnded {
        /// The user whose logins they are.
        user: UserId,
        /// The logins.
        logins: Vec<LoginId>,
        /// Why they have ended.
        end: LoginEnd,
        /// Whether all sockets of the user are closed, whatever the store knows of their logins.
        closes_all: bool,
    },
    /// An account is gone: its access tokens are refused, its sockets closed, and it is shown to no other user.
    AccountDeleted {
        /// The user whose account it was.
        user: UserId,
        /// The moment until which an access token of the account could look valid.
        until: Timestamp,
    },
    /// What users may see of each other's presence has changed.
    VisibilityChanged {
        /// The user who has changed it.
        user: UserId,
        /// The other user; `None` when it concerns all others.
        other: Option<UserId>,
    },
    /// The rules about addresses have changed: they are read anew, and sockets from blocked networks closed.
    AddressRulesChanged,
}

impl Command {
    /// Returns the effect that the command has if it is committed, as far as that is known beforehand: ended logins are
    /// found out by the store.
    #[must_use]
    pub fn possible_effect(&self) -> Option<Effect> {
        let ended = |user, end| Effect::LoginsEnded { user, logins: Vec::new(), end, closes_all: false };
        match self {
            Self::EndLogins { user, end, .. } => Some(ended(*user, *end)),
            Self::ChangePassword(change) => Some(ended(change.user, LoginEnd::Password)),
            Self::ControlAccount { user, .. } => Some(ended(*user, LoginEnd::Revoked)),
            Self::DeleteAccount { user, until, .. } => Some(Effect::AccountDeleted { user: *user, until: *until }),
            Self::Block { user, other, .. } => Some(Effect::VisibilityChanged { user: *user, other: Some(*other) }),
            Self::Configure { user, .. } => Some(Effect::VisibilityChanged { user: *user, other: None }),
            Self::ChangeAddressRules(_) => Some(Effect::AddressRulesChanged),
            Self::Send(_)
            | Self::Read { .. }
            | Self::Delivered { .. }
            | Self::Delete { .. }
            | Self::SetKey { .. }
            | Self::MarkLogin(_)
            | Self::RegisterTarget(_)
            | Self::RemoveTarget { .. }
            | Self::Expire(_)
            | Self::Retain(_) => None,
        }
    }
}
