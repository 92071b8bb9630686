//! How many messages the senders of a batch may still store, where there is a quota.

use std::collections::HashMap;

use crate::domain::UserId;

/// The room of the senders of a batch; of nobody when there is no quota.
#[derive(Default)]
pub(super) struct Room(HashMap<UserId, Left>);

/// The room of one sender.
pub(super) struct Left {
    /// Drafts of the batch.
    pub(super) drafts: u64,
    /// Messages that may still be stored.
    pub(super) left: u64,
}

impl Room {
    pub(super) fn of(senders: HashMap<UserId, Left>) -> Self {
        Self(senders)
    }

    /// Returns whether nobody has a quota.
    pub(super) fn is_unlimited(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the sender may have too little room for all drafts of the batch.
    pub(super) fn may_be_short(&self, sender: UserId) -> bool {
        self.0.get(&sender).is_some_and(|room| room.left < room.drafts)
    }

    pub(super) fn is_used_up(&self, sender: UserId) -> bool {
        self.0.get(&sender).is_some_and(|room| room.left == 0)
    }

    pub(super) fn take(&mut self, sender: UserId) {
        if let Some(room) = self.0.get_mut(&sender) {
            room.left = room.left.saturating_sub(1);
        }
    }
}
