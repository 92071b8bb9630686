//! What differs between the two engines, side by side.

use sea_orm::DatabaseBackend;

/// Two siblings, of which one is for the engine in use: texts of a statement, or a statement that only one of them
/// needs.
#[derive(Clone, Copy)]
pub(in crate::storage) struct PerEngine<T> {
    pub(in crate::storage) sqlite: T,
    pub(in crate::storage) postgres: T,
}

impl<T: Copy> PerEngine<T> {
    /// Returns the sibling for an engine.
    pub(in crate::storage) fn of(self, backend: DatabaseBackend) -> T {
        match backend {
            DatabaseBackend::Sqlite => self.sqlite,
            _ => self.postgres,
        }
    }
}
