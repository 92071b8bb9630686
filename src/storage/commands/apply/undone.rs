//! Attempts to carry out a batch that have stored nothing, and what is learnt from them.

use crate::storage::commands::batch::Batch;
use crate::storage::commands::numbers::StoreRow;

/// What is known of an attempt that has stored nothing.
pub(super) struct Undone {
    /// The row of `store`, if it was foreseen.
    pub(super) foreseen: Option<StoreRow>,
    /// Whether there was something to store, so that the row was another one or a message is stored already.
    pub(super) is_unwritten: bool,
}

impl Batch<'_> {
    /// Takes in that an earlier attempt has stored nothing, now that the row is locked. Returns whether the batch may
    /// still be plain.
    pub(super) fn learn_from(&mut self, undone: &Undone, row: Option<&StoreRow>) -> bool {
        let forecast = &mut self.cache.forecast;
        let foreseen = undone.foreseen.as_ref();
        if row.zip(foreseen).is_some_and(|(row, foreseen)| !row.says_the_same_as(foreseen)) {
            forecast.of_rows.failed();
            return true;
        }
        if undone.is_unwritten {
            // With the same row it can only have been a message.
            forecast.of_plain.failed();
        }
        !undone.is_unwritten
    }
}
