//! Attempts to carry out a batch that have stored nothing, and what is learnt from them.

use crate::storage::commands::batch::Batch;
use crate::storage::commands::numbers::StoreRow;

/// Why an attempt has stored nothing.
#[derive(Clone, Copy)]
pub(super) enum Undone {
    /// Its commands were refused by rules that were foreseen.
    Unsure,
    /// The row was foreseen at this place, but was another one; or a message is stored already.
    Row((i64, i64)),
    /// A message is stored already.
    Message,
}

impl Batch<'_> {
    /// Takes in why an earlier attempt has stored nothing, now that the row is locked. Returns whether the batch may
    /// still be plain.
    pub(super) fn learn_from(&mut self, undone: Undone, row: Option<&StoreRow>) -> bool {
        let forecast = &mut self.cache.forecast;
        match undone {
            Undone::Unsure => true,
            Undone::Row(foreseen) if row.is_some_and(|row| row.place() != foreseen) => {
                forecast.of_rows.failed();
                true
            }
            // With the same row it can only have been a message.
            Undone::Row(_) | Undone::Message => {
                forecast.of_plain.failed();
                false
            }
        }
    }
}
