//! What the writer remembers between batches: which conversation two users have, who has blocked whom, and what is set.
//!
//! The store's row holds a number that grows with every change of these. Each batch reads it under the row's lock; when another
//! process has changed something, everything is forgotten.

use std::num::NonZeroUsize;

use lru::LruCache;

use crate::domain::{ConversationId, DirectKey, UserId};

/// Conversations that are remembered: 32 bytes each and the map around them.
const CONVERSATIONS: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
/// Users that are remembered: 48 bytes each and the map around them.
const USERS: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// A conversation that exists.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct CachedConversation {
    pub(in crate::storage) id: ConversationId,
    /// Whether one of the two has blocked the other.
    pub(in crate::storage) is_blocked: bool,
}

/// What a user has set.
#[derive(Clone, Debug)]
pub(in crate::storage) struct CachedUser {
    /// Names the present public key.
    pub(in crate::storage) key_id: String,
    pub(in crate::storage) read_receipts: bool,
}

pub(in crate::storage) struct Cache {
    rules: i64,
    /// A batch is on its way, or was given up on its way: what it has learned may have been rolled back.
    is_open: bool,
    pub(in crate::storage) conversations: LruCache<DirectKey, CachedConversation>,
    pub(in crate::storage) users: LruCache<UserId, CachedUser>,
}

impl Cache {
    pub(in crate::storage) fn new() -> Self {
        Self { rules: -1, is_open: false, conversations: LruCache::new(CONVERSATIONS), users: LruCache::new(USERS) }
    }

    /// A batch begins. When the one before was neither finished nor refused, everything is forgotten.
    pub(in crate::storage) fn open(&mut self) {
        if std::mem::replace(&mut self.is_open, true) {
            self.forget();
        }
    }

    /// The batch has ended: what it has learned holds, or nothing does.
    pub(in crate::storage) fn close(&mut self, holds: bool) {
        self.is_open = false;
        if !holds {
            self.forget();
        }
    }

    /// Forgets everything when the store's `rules` are not those that this was learned under.
    pub(in crate::storage) fn check(&mut self, rules: i64) {
        if self.rules != rules {
            self.forget();
            self.rules = rules;
        }
    }

    /// What this process has changed itself it changes here too, and so need not forget the rest.
    pub(in crate::storage) fn changed(&mut self) {
        self.rules += 1;
    }

    fn forget(&mut self) {
        self.rules = -1;
        self.conversations.clear();
        self.users.clear();
    }
}
