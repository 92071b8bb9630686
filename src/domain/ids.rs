//! Identifiers. One type each, so that a user id is never passed where a message id belongs.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// An account. 32 bits, because the Android client reads it as a Kotlin `Int`.
    UserId(i32)
}
id! {
    /// A message. Grows in commit order over the whole store.
    MessageId(i64)
}
id! {
    /// The place of an event in the order of the store: the same on all devices of a user, with gaps.
    Seq(i64)
}
id! {
    /// A conversation: today two users, or one user's self-chat.
    ConversationId(i64)
}
id! {
    /// A login: one chain of refresh tokens, from signing in to logout, expiry or revocation.
    LoginId(i64)
}
id! {
    /// An invite.
    InviteId(i64)
}
id! {
    /// A report of a message.
    ReportId(i64)
}
id! {
    /// A live socket, unique in this process.
    SocketId(u64)
}
