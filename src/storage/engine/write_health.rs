//! Whether requests can write.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::DbErr;

use crate::storage::StorageError;

/// Set by a write that fails, cleared by one that works.
#[derive(Debug, Default)]
pub(in crate::storage) struct WriteHealth(AtomicBool);

impl WriteHealth {
    /// LoginMarks how a write has ended. What was refused for its own sake says nothing.
    pub(in crate::storage) fn note(&self, done: Result<&(), &StorageError>) {
        match done {
            Ok(()) => self.0.store(false, Ordering::Relaxed),
            Err(error) if error.is_failure() => self.0.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
    }

    /// LoginMarks the failure of a statement, unless it has violated a constraint.
    pub(in crate::storage) fn note_error(&self, error: &DbErr) {
        if error.sql_err().is_none() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    pub(in crate::storage) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
