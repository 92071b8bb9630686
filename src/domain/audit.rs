//! The audit log: what has happened to accounts and to the server's settings, for operators.

use serde_json::Value;

use super::{Network, Operator, Timestamp, UserId};

macro_rules! events {
    ($($(#[$meta:meta])* $name:ident = $word:literal,)*) => {
        /// What has happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditEvent {
            $($(#[$meta])* $name,)*
        }

        impl AuditEvent {
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the word for it, in the store and on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

events! {
    /// A user has signed in.
    Login = "login",
    /// Passwords of an account were wrong, `count` times within a minute.
    LoginFailed = "login_failed",
    /// A spent refresh token came back, which ends its login.
    RefreshReuse = "refresh_reuse",
    /// A user has signed out.
    Logout = "logout",
    /// A login was ended otherwise.
    SessionEnded = "session_ended",
    /// A password was replaced.
    PasswordChanged = "password_changed",
    /// A second factor was switched on.
    SecondFactorOn = "second_factor_on",
    /// A second factor was switched off.
    SecondFactorOff = "second_factor_off",
    /// A user has signed in with a recovery code.
    SecondFactorUsedRecovery = "second_factor_used_recovery",
    /// An account was made.
    Registered = "registered",
    /// An operator has disabled an account.
    AccountDisabled = "account_disabled",
    /// An operator has enabled an account.
    AccountEnabled = "account_enabled",
    /// An account was deleted.
    AccountDeleted = "account_deleted",
    /// An invite was made.
    InviteCreated = "invite_created",
    /// An account was made with an invite.
    InviteUsed = "invite_used",
    /// An invite was ended.
    InviteRevoked = "invite_revoked",
    /// A message was reported.
    Report = "report",
    /// An operator has decided a report.
    ReportDecided = "report_decided",
    /// An operator has done something that has no event of its own; `action` says what.
    AdminAction = "admin_action",
    /// A token for operators' programs was made.
    OperatorTokenCreated = "operator_token_created",
    /// A token for operators' programs was revoked.
    OperatorTokenRevoked = "operator_token_revoked",
    /// A rule about a network was made.
    AddressRuleAdded = "address_rule_added",
    /// Rules about networks were removed.
    AddressRuleRemoved = "address_rule_removed",
    /// The server has banned a network.
    Ban = "ban",
    /// Another key signs access tokens.
    KeyRotated = "key_rotated",
    /// The tokens of a key are refused.
    KeyRevoked = "key_revoked",
    /// A setting was switched while the server runs.
    ConfigChanged = "config_changed",
}

impl AuditEvent {
    /// Reads the word for an event.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.as_str() == text)
    }
}

/// Who has done it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditActor {
    /// A user.
    User(UserId),
    /// An operator.
    Admin(Operator),
    /// The server itself.
    Server,
}

impl AuditActor {
    /// Returns the word for its kind, in the store and on the wire.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Admin(_) => "admin",
            Self::Server => "server",
        }
    }

    /// Returns the user, if it is one.
    #[must_use]
    pub fn user(self) -> Option<UserId> {
        if let Self::User(user) = self { Some(user) } else { None }
    }
}

/// Something that is to be recorded. It holds no secret, no token, no name and no full address.
#[derive(Clone, Debug)]
pub struct NewAuditEntry {
    /// What has happened.
    pub event: AuditEvent,
    /// Who has done it.
    pub actor: AuditActor,
    /// Whom it concerns.
    pub subject: Option<UserId>,
    /// From which network: never a whole address.
    pub network: Option<Network>,
    /// More about it: an object of at most 1 KiB.
    pub detail: Value,
}

impl NewAuditEntry {
    /// Something that a user has done to their own account.
    #[must_use]
    pub fn of_user(event: AuditEvent, user: UserId) -> Self {
        let actor = AuditActor::User(user);
        Self { event, actor, subject: Some(user), network: None, detail: Value::Null }
    }

    /// Something that an operator has done.
    #[must_use]
    pub fn of_operator(event: AuditEvent, by: Operator) -> Self {
        Self { event, actor: AuditActor::Admin(by), subject: None, network: None, detail: Value::Null }
    }

    /// Something that the server has done.
    #[must_use]
    pub fn of_server(event: AuditEvent) -> Self {
        Self { event, actor: AuditActor::Server, subject: None, network: None, detail: Value::Null }
    }

    /// Names the user whom it concerns.
    #[must_use]
    pub fn about(self, subject: UserId) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// Names the network that it came from.
    #[must_use]
    pub fn from_network(self, network: Option<Network>) -> Self {
        Self { network, ..self }
    }

    /// Says more about it, as an object.
    #[must_use]
    pub fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }
}

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Its number: later entries have higher ones.
    pub id: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What has happened. A word: a newer version may have written it.
    pub event: String,
    /// The kind of who has done it.
    pub actor_kind: String,
    /// Who has done it, if a user, while the account exists.
    pub actor: Option<UserId>,
    /// Whom it concerns, while the account exists.
    pub subject: Option<UserId>,
    /// From which network.
    pub network: Option<String>,
    /// More about it.
    pub detail: Value,
}

/// Which entries of the audit log are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditFilter {
    /// Only this event.
    pub event: Option<AuditEvent>,
    /// Only what this user has done, or what concerns them.
    pub user: Option<UserId>,
    /// Only what happened at this time or later.
    pub since: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_one_word_each() {
        for event in AuditEvent::ALL {
            assert_eq!(AuditEvent::parse(event.as_str()), Some(*event));
        }
        assert_eq!(AuditEvent::parse("Login"), None);
    }
}
