//! Conversations and their members.

use super::{ConversationId, UserId};

/// Names the conversation of two users, or of a user with themselves, also before there is one: by the partner that a
/// client names, whoever of the two it is. The writer finds the conversation's id, or makes it.
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
        let [low, high] = self.sides();
        if user == low { high } else { low }
    }

    /// Returns the stored form: the lower id in the upper 32 bits.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// Returns the two sides, the lower id first; twice the same for a self-chat.
    #[must_use]
    pub fn sides(self) -> [UserId; 2] {
        // The key is two ids of 32 bits each, see `new`.
        #[expect(clippy::cast_possible_truncation, reason = "the halves are ids of 32 bits")]
        [UserId((self.0 >> 32) as i32), UserId(self.0 as i32)]
    }
}

/// A conversation and its members. What is announced to a conversation is announced to each of them once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Names its members: two users, or one in a self-chat.
    pub direct: DirectKey,
}

impl Conversation {
    /// Returns the members, each once, in the order of their ids.
    pub fn members(self) -> impl Iterator<Item = UserId> {
        let [low, high] = self.direct.sides();
        [low].into_iter().chain((low != high).then_some(high))
    }

    /// Returns whether `user` is a member.
    #[must_use]
    pub fn has(self, user: UserId) -> bool {
        self.direct.sides().contains(&user)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_member_is_named_once() {
        let members = |a, b| {
            let conversation = Conversation { id: ConversationId(1), direct: DirectKey::new(UserId(a), UserId(b)) };
            assert!(conversation.has(UserId(a)) && conversation.has(UserId(b)) && !conversation.has(UserId(9)));
            conversation.members().map(|user| user.0).collect::<Vec<_>>()
        };
        assert_eq!(members(2, 1), [1, 2]);
        assert_eq!(members(3, 3), [3]);
    }

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
