//! The health of writes by requests.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::DbErr;

use crate::storage::StorageError;

/// Whether the last write of a request failed.
#[derive(Debug, Default)]
pub(in crate::storage) struct WriteHealth(AtomicBool);

impl WriteHealth {
    /// Records the outcome of a write. A refusal, such as of a duplicate, is no failure.
    pub(in crate::storage) fn record(&self, done: Result<&(), &StorageError>) {
        match done {
            Ok(()) => self.0.store(false, Ordering::Relaxed),
            Err(error) if error.is_failure() => self.0.store(true, Ordering::Relaxed),
            Err(_) => {}
        }
    }

    /// Records the failure of a statement, unless it violated a constraint.
    pub(in crate::storage) fn record_error(&self, error: &DbErr) {
        if error.sql_err().is_none() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    pub(in crate::storage) fn is_failing(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
