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
    /// A live socket, unique in this process.
    SocketId(u64)
}

impl MessageId {
    /// Returns the place of the message's own event: a message is stored under the number that is its id.
    #[must_use]
    pub fn seq(self) -> Seq {
        Seq(self.0)
    }
}

/// The key of the conversation of two users; the order in which they write does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DirectKey(i64);

impl DirectKey {
    /// The key of the conversation between `a` and `b`; the order does not matter.
    #[must_use]
    pub fn new(a: UserId, b: UserId) -> Self {
        let (low, high) = (a.0.min(b.0), a.0.max(b.0));
        Self(i64::from(low) << 32 | i64::from(high))
    }

    /// Reads the stored form back.
    #[must_use]
    pub fn from_stored(key: i64) -> Self {
        Self(key)
    }

    /// Returns the other side for `user`; `user` again for a self-chat.
    #[must_use]
    pub fn partner_of(self, user: UserId) -> UserId {
        // The key is two ids of 32 bits each, see `new`.
        #[expect(clippy::cast_possible_truncation, reason = "the halves are ids of 32 bits")]
        let (low, high) = (UserId((self.0 >> 32) as i32), UserId(self.0 as i32));
        if user == low { high } else { low }
    }

    /// Returns the stored form: the lower id in the upper 32 bits.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn direct_key_is_symmetric_and_unique(a in 1..i32::MAX, b in 1..i32::MAX, c in 1..i32::MAX) {
            prop_assert_eq!(DirectKey::new(UserId(a), UserId(b)), DirectKey::new(UserId(b), UserId(a)));
            let key = DirectKey::from_stored(DirectKey::new(UserId(a), UserId(b)).get());
            prop_assert_eq!((key.partner_of(UserId(a)), key.partner_of(UserId(b))), (UserId(b), UserId(a)));
            if b != c {
                prop_assert_ne!(DirectKey::new(UserId(a), UserId(b)), DirectKey::new(UserId(a), UserId(c)));
            }
        }
    }
}
