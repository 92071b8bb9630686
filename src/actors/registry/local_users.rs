//! The users who have a session on this server, readable without asking the registry.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::UserId;

/// The users with a session. Clones share the list, which the registry keeps.
#[derive(Clone, Debug, Default)]
pub(in crate::actors) struct LocalUsers(Arc<RwLock<HashSet<UserId>>>);

impl LocalUsers {
    /// Returns whether the user has a session.
    pub(in crate::actors) fn has(&self, user: UserId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&user)
    }

    pub(super) fn add(&self, user: UserId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(user);
    }

    pub(super) fn remove(&self, user: UserId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&user);
    }

    pub(super) fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
