//! The changes of a batch beside the messages themselves.

use std::collections::HashMap;

use super::wire::Message;

/// The new positions of conversations and their members.
pub(super) struct Moved {
    /// The newest message of each conversation.
    pub(super) newest: HashMap<i64, i64>,
    /// For each receiver and conversation the number of new messages, and the newest.
    pub(super) unread: HashMap<(i32, i64), (i64, i64)>,
}

impl Moved {
    pub(super) fn by(messages: &[Message]) -> Self {
        let mut moved = Self { newest: HashMap::new(), unread: HashMap::new() };
        for Message { draft, id, conversation, .. } in messages {
            moved.newest.insert(*conversation, *id);
            let (count, last) = moved.unread.entry((draft.receiver, *conversation)).or_default();
            (*count, *last) = (*count + 1, *id);
        }
        moved
    }
}

/// Returns the key of the conversation of two users.
pub(super) fn direct_key(a: i32, b: i32) -> i64 {
    i64::from(a.min(b)) << 32 | i64::from(a.max(b))
}
