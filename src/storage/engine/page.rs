//! Pages that are bounded in bytes.

use sea_orm::Value;

/// Bytes of contents after which a page ends, whatever its limit.
pub const PAGE_BYTES: usize = 1024 * 1024;

/// Bytes of contents after which one statement for a page ends: the database, the driver and the server each hold them
/// for a moment.
pub(in crate::storage) const STEP_BYTES: usize = PAGE_BYTES / 4;

/// A page that is filled in several steps.
pub(in crate::storage) struct Filling<T> {
    pub(in crate::storage) items: Vec<T>,
    limit: usize,
    bytes: usize,
}

impl<T> Filling<T> {
    pub(in crate::storage) fn new(limit: u64) -> Self {
        Self { items: Vec::new(), limit: usize::try_from(limit).unwrap_or(usize::MAX), bytes: 0 }
    }

    /// Returns how many more items fit.
    pub(in crate::storage) fn room(&self) -> u64 {
        self.limit.saturating_sub(self.items.len()) as u64
    }

    /// Adds the items that a statement has found. Returns whether there may be more items, and room for them: a
    /// statement that returned less than it could has reached the end.
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

/// Returns the SQL of a table `page`: the rows of the query `sized`, at most `limit`, with a column `up_to`, the sum of
/// all `size`s from the greatest `order` down to this row.
pub(in crate::storage) fn summed(sized: &str, order: &str, limit: &str, page: &str) -> String {
    // Without the limit SQLite would merge the two queries, and sort rows that contain the ciphertexts instead of their
    // sizes.
    format!(
        "(SELECT sized.*, SUM(size) OVER (ORDER BY {order} DESC ROWS UNBOUNDED PRECEDING) AS up_to \
         FROM ({sized} LIMIT {limit}) AS sized) AS {page}"
    )
}

/// Returns the condition that ends a step at [`STEP_BYTES`]. `page` is a table of candidates with `size` and `up_to`,
/// the sum of the sizes up to this row.
pub(in crate::storage) fn fits(page: &str) -> String {
    format!("({page}.up_to <= {STEP_BYTES} OR {page}.up_to = {page}.size)")
}

/// Returns a limit as a parameter for both engines.
///
/// A statement must use it as `$1 + 0`: with a bare parameter as its limit, SQLite compiles the statement anew for each
/// use (`computeLimitRegisters` in its select.c reads the value).
pub(in crate::storage) fn bind(limit: u64) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}
