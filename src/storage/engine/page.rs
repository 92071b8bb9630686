//! Pages that are bounded in bytes.

use sea_orm::Value;

/// Bytes of contents after which a page ends, whatever its limit.
pub const PAGE_BYTES: usize = 1024 * 1024;

/// Bytes of contents after which one statement for a page ends: the database, the driver, and we each hold them for a
/// moment.
pub(in crate::storage) const STEP_BYTES: usize = PAGE_BYTES / 4;

/// A page that is put together step by step.
pub(in crate::storage) struct Filling<T> {
    pub(in crate::storage) items: Vec<T>,
    limit: usize,
    bytes: usize,
}

impl<T> Filling<T> {
    pub(in crate::storage) fn new(limit: u64) -> Self {
        Self { items: Vec::new(), limit: usize::try_from(limit).unwrap_or(usize::MAX), bytes: 0 }
    }

    /// How many there may still be.
    pub(in crate::storage) fn room(&self) -> u64 {
        self.limit.saturating_sub(self.items.len()) as u64
    }

    /// Takes in what a statement has found; whether there may be more, and room for it. One that has found little has
    /// come to the end.
    pub(in crate::storage) fn take(&mut self, found: Vec<T>, bytes: impl Fn(&T) -> usize) -> bool {
        let before = self.bytes;
        for item in found {
            let bytes = self.bytes + bytes(&item);
            if self.room() == 0 || bytes > PAGE_BYTES && !self.items.is_empty() {
                return false;
            }
            self.bytes = bytes;
            self.items.push(item);
        }
        self.room() > 0 && self.bytes < PAGE_BYTES && self.bytes - before >= STEP_BYTES / 2
    }
}

/// The rows of the query `sized`, at most `limit`, as a table `page`: with `up_to`, the sum of the `size`s from the
/// greatest `order` down to this one.
pub(in crate::storage) fn summed(sized: &str, order: &str, limit: &str, page: &str) -> String {
    // Without the limit SQLite would merge the two queries, and sort rows with the ciphertexts whose sizes are asked
    // for.
    format!(
        "(SELECT sized.*, SUM(size) OVER (ORDER BY {order} DESC ROWS UNBOUNDED PRECEDING) AS up_to \
         FROM ({sized} LIMIT {limit}) AS sized) AS {page}"
    )
}

/// The condition that ends a step at its bytes. `page` is a table of what could be on it, with `size` and `up_to`: the
/// sum of the sizes up to this one.
pub(in crate::storage) fn fits(page: &str) -> String {
    format!("({page}.up_to <= {STEP_BYTES} OR {page}.up_to = {page}.size)")
}

/// A limit as both databases take it.
///
/// In a statement it is `$1 + 0`: for a bare parameter SQLite compiles the statement anew each time
/// (`computeLimitRegisters` in its select.c asks for the value).
pub(in crate::storage) fn bind(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}
