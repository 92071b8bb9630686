//! Values that differ between the two engines.

use sea_orm::DatabaseBackend;

/// A value for each engine, such as the text of a statement, or `None` where only the other engine needs one.
#[derive(Clone, Copy)]
pub(in crate::storage) struct PerEngine<T> {
    pub(in crate::storage) sqlite: T,
    pub(in crate::storage) postgres: T,
}

impl<T: Copy> PerEngine<T> {
    /// Returns the value for an engine.
    pub(in crate::storage) fn of(self, backend: DatabaseBackend) -> T {
        match backend {
            DatabaseBackend::Sqlite => self.sqlite,
            _ => self.postgres,
        }
    }
}
