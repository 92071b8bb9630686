//! Whether requests can write.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::DbErr;

use super::StorageError;

/// Set by a write that fails, cleared by one that works.
#[derive(Debug, Default)]
pub(super) struct Failing(AtomicBool);

impl Failing {
    /// Notes how a write has ended. What was refused for its own sake says nothing.
    pub(super) fn note(&self, done: Result<&(), &StorageError>) {
        match done {
            Ok(()) => self.0.store(false, Ordering::Relaxed),
            Err(error) if error.is_failure() => self.0.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
    }

    /// Notes the failure of a statement, unless it has violated a constraint.
    pub(super) fn note_error(&self, error: &DbErr) {
        if error.sql_err().is_none() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
