//! The cache of the writer between batches: conversations of two users, blocks, keys and settings.
//!
//! The row of `store` holds a number that grows with every change of these. Each batch reads it under the row's lock;
//! when another process has changed something, the cache is cleared.

use std::num::NonZeroUsize;

use lru::LruCache;

use crate::clock::Clock;
use crate::domain::{ConversationId, DirectKey, Epoch, UserId};
use crate::storage::cluster::KnownHistory;
use crate::storage::commands::forecast::Forecast;
use crate::storage::commands::numbers::StoreRow;

/// Most cached conversations, of 32 bytes each and their part of the map.
const CONVERSATIONS: NonZeroUsize = NonZeroUsize::new(65_536).unwrap();
/// Most cached users, of 48 bytes each and their part of the map.
const USERS: NonZeroUsize = NonZeroUsize::new(16_384).unwrap();

/// The `rules` of an empty cache.
const FORGOTTEN: i64 = -1;

/// The cached part of a conversation of two users, by the key that commands name it by.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct CachedConversation {
    pub(in crate::storage) id: ConversationId,
    /// Whether one of the two has blocked the other.
    pub(in crate::storage) is_blocked: bool,
    /// Which side has written to the other, in the order of [`DirectKey::sides`]. Another server may have stored what
    /// is not noted here.
    pub(in crate::storage) has_written: [bool; 2],
}

impl CachedConversation {
    /// Returns whether `user` has written to the other side.
    pub(in crate::storage) fn has_written(&self, direct: DirectKey, user: UserId) -> bool {
        let [a, b] = direct.sides();
        (user == a && self.has_written[0]) || (user == b && self.has_written[1])
    }
}

/// The cached part of a user.
#[derive(Clone, Debug)]
pub(in crate::storage) struct CachedUser {
    /// Names the present public key.
    pub(in crate::storage) key_id: String,
    pub(in crate::storage) read_receipts: bool,
}

pub(in crate::storage) struct Cache {
    rules: i64,
    /// The history that it was filled in; `None` on SQLite, where it does not change under a running server.
    epoch: Option<Epoch>,
    /// Whether a batch is being carried out or was abandoned: what was cached during it may have been rolled back.
    is_open: bool,
    pub(in crate::storage) conversations: LruCache<DirectKey, CachedConversation>,
    pub(in crate::storage) users: LruCache<UserId, CachedUser>,
    /// On PostgreSQL: what the next batch will find.
    pub(in crate::storage) forecast: Forecast,
}

impl Cache {
    pub(in crate::storage) fn new() -> Self {
        Self {
            rules: FORGOTTEN,
            epoch: None,
            is_open: false,
            conversations: LruCache::new(CONVERSATIONS),
            users: LruCache::new(USERS),
            forecast: Forecast::default(),
        }
    }

    /// Begins a batch in the history `epoch`. Clears the cache when the batch before neither succeeded nor failed, or
    /// was in another history.
    pub(in crate::storage) fn open(&mut self, epoch: Option<&Epoch>) {
        if std::mem::replace(&mut self.is_open, true) || self.epoch.as_ref() != epoch {
            self.forget();
            self.epoch = epoch.cloned();
        }
    }

    /// Ends the batch. Clears the cache unless the batch `holds`.
    pub(in crate::storage) fn close(&mut self, holds: bool) {
        self.is_open = false;
        if !holds {
            self.forget();
        }
    }

    /// Clears the cache when the store's `rules` are not those that it was filled under. Returns whether that has
    /// forgotten nothing.
    pub(in crate::storage) fn check(&mut self, rules: i64) -> bool {
        let holds = self.rules == rules || self.rules == FORGOTTEN;
        if self.rules != rules {
            self.forget();
            self.rules = rules;
        }
        holds
    }

    /// Counts a change that this process has made, and has made in the cache too.
    pub(in crate::storage) fn changed(&mut self) {
        self.rules += 1;
    }

    /// Returns the row of `store` that the next batch will find, if that can be foreseen, and what is cached holds with
    /// it.
    pub(in crate::storage) fn foreseen_row(&self, known: Option<&KnownHistory>, clock: &Clock) -> Option<StoreRow> {
        self.forecast.row(known, self.rules, clock)
    }

    fn forget(&mut self) {
        self.forecast.clear();
        self.rules = FORGOTTEN;
        self.conversations.clear();
        self.users.clear();
    }
}
