//! Statements that took long: counted, logged, and those of the last hour kept for operators.
//!
//! Their text is kept and logged without any value: what is given to a statement is not in its text, and what is
//! written there is replaced.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::DatabaseConnection;

use crate::telemetry::{Pool, RequestId, SlowLog, metrics, millis};

/// The time for which a statement is kept after it was slow last.
const KEPT: Duration = Duration::from_hours(1);
/// Most statements that are kept.
const MAX_KEPT: usize = 64;
/// Most statements of one batch that are logged.
const MAX_OF_BATCH: usize = 8;
/// Longest text of a statement that is kept, in bytes or characters.
const MAX_TEXT: usize = 2000;
/// Longest text of a statement that is logged, in characters.
const MAX_LOGGED: usize = 200;

/// A statement that was slow within the last hour.
#[derive(Clone, Debug)]
pub struct SlowStatement {
    /// Its text, without values.
    pub text: Arc<str>,
    /// The connections that it was made on.
    pub pool: Pool,
    /// How often it was slow, since an hour passed in which it was not.
    pub count: u64,
    /// Its longest time.
    pub longest: Duration,
    /// Its time when it was slow last.
    pub latest: Duration,
    /// When it was slow first.
    pub first_at: Instant,
    /// When it was slow last.
    pub last_at: Instant,
    /// The request that it was made for last; none of a batch, and of what the server does by itself.
    pub request: Option<RequestId>,
}

/// The statements that took long.
#[derive(Debug)]
pub struct SlowStatements {
    log: SlowLog,
    kept: Mutex<Vec<SlowStatement>>,
    /// Those of the batch that is being written, which the writer logs: it knows whose commands the batch holds.
    of_batch: Mutex<Vec<(String, Duration)>>,
}

impl SlowStatements {
    /// What takes longer than so many milliseconds is slow; nothing is with 0.
    pub(in crate::storage) fn new(threshold_ms: u64) -> Arc<Self> {
        Arc::new(Self { log: SlowLog::new(threshold_ms), kept: Mutex::default(), of_batch: Mutex::default() })
    }

    /// Returns the threshold, and the count of lines about what is above it.
    #[must_use]
    pub fn log(&self) -> &SlowLog {
        &self.log
    }

    /// Watches the statements that are made on these connections.
    pub(in crate::storage) fn watch(self: &Arc<Self>, pool: Pool, db: &mut DatabaseConnection) {
        let slow = self.clone();
        db.set_metric_callback(move |made| slow.note(pool, &made.statement.sql, made.elapsed));
    }

    /// Notes how long a statement took that was made for a request, or for what the server does by itself.
    pub(in crate::storage) fn note(&self, pool: Pool, sql: &str, took: Duration) {
        if self.log.is_slow(took) {
            self.note_slow(pool, sql, took);
        }
    }

    #[cold]
    fn note_slow(&self, pool: Pool, sql: &str, took: Duration) {
        let statement = self.keep(pool, sql, took);
        if let Some(left_out) = self.log.line() {
            let (duration_ms, pool) = (millis(took), pool.as_str());
            tracing::warn!(statement, duration_ms, pool, left_out, "a statement was slow");
        }
    }

    /// Begins to time a statement of a batch. It ends when what is returned is dropped, also when it was given up.
    pub(in crate::storage) fn time_of_batch<'a>(&'a self, sql: &'a str) -> TimedOfBatch<'a> {
        TimedOfBatch { slow: self, sql, started: Instant::now() }
    }

    /// Notes how long a statement of a batch took.
    fn note_of_batch(&self, sql: &str, took: Duration) {
        if self.log.is_slow(took) {
            self.note_slow_of_batch(sql, took);
        }
    }

    #[cold]
    fn note_slow_of_batch(&self, sql: &str, took: Duration) {
        let statement = self.keep(Pool::Batches, sql, took);
        let mut of_batch = lock(&self.of_batch);
        if of_batch.len() < MAX_OF_BATCH {
            of_batch.push((statement, took));
        }
    }

    /// Returns the slow statements of the batch that was written, as they are logged.
    #[must_use]
    pub fn take_of_batch(&self) -> Vec<(String, Duration)> {
        std::mem::take(&mut *lock(&self.of_batch))
    }

    /// Returns the statements of the last hour, the one that was slow last first.
    #[must_use]
    pub fn listed(&self) -> Vec<SlowStatement> {
        let mut kept = lock(&self.kept);
        kept.retain(|statement| statement.last_at.elapsed() < KEPT);
        let mut listed = kept.clone();
        drop(kept);
        listed.sort_by_key(|statement| std::cmp::Reverse(statement.last_at));
        listed
    }

    /// Counts and keeps a slow statement. Returns its text as it is logged.
    fn keep(&self, pool: Pool, sql: &str, took: Duration) -> String {
        metrics().store.slow.increment(1);
        let text = without_values(sql);
        let logged = beginning(&text, MAX_LOGGED).to_owned();
        let (now, request) = (Instant::now(), RequestId::current());
        let mut kept = lock(&self.kept);
        kept.retain(|statement| statement.last_at.elapsed() < KEPT);
        if let Some(same) = kept.iter_mut().find(|it| it.pool == pool && *it.text == *text) {
            same.count += 1;
            same.longest = same.longest.max(took);
            (same.latest, same.last_at, same.request) = (took, now, request);
            return logged;
        }
        if kept.len() >= MAX_KEPT
            && let Some(oldest) = (0..kept.len()).min_by_key(|at| kept[*at].last_at)
        {
            kept.swap_remove(oldest);
        }
        let text = text.into();
        let (longest, latest, first_at, last_at) = (took, took, now, now);
        kept.push(SlowStatement { text, pool, count: 1, longest, latest, first_at, last_at, request });
        logged
    }
}

/// A statement of a batch that is being carried out.
pub(in crate::storage) struct TimedOfBatch<'a> {
    slow: &'a SlowStatements,
    sql: &'a str,
    started: Instant,
}

impl Drop for TimedOfBatch<'_> {
    fn drop(&mut self) {
        self.slow.note_of_batch(self.sql, self.started.elapsed());
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each list is whole after any panic.
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns at most so many characters.
fn beginning(text: &str, characters: usize) -> &str {
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}

/// Returns the text of a statement in one line, with `?` for each text and number that is written in it.
fn without_values(sql: &str) -> String {
    let mut shown = String::with_capacity(sql.len().min(MAX_TEXT));
    let mut characters = sql.chars().peekable();
    while let Some(c) = characters.next() {
        let before = shown.chars().next_back();
        // A digit in a name, or after `$` as in a parameter, is no number.
        let is_in_name = before.is_some_and(|it| it.is_alphanumeric() || matches!(it, '_' | '$'));
        match c {
            '\'' => {
                // A quote within a text is written twice: the text then counts as two.
                while characters.next_if(|next| *next != '\'').is_some() {}
                characters.next();
                if before != Some('?') {
                    shown.push('?');
                }
            }
            '0'..='9' if !is_in_name => {
                while characters.next_if(|next| next.is_ascii_alphanumeric() || *next == '.').is_some() {}
                shown.push('?');
            }
            c if c.is_whitespace() => {
                if before.is_some_and(|it| it != ' ') {
                    shown.push(' ');
                }
            }
            c => shown.push(c),
        }
        if shown.len() > MAX_TEXT {
            break;
        }
    }
    beginning(shown.trim_end(), MAX_TEXT).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_value_is_left_in_the_text_of_a_statement() {
        for (sql, shown) in [
            ("SELECT a1 FROM t\n     WHERE b = $12 AND c = ?3", "SELECT a1 FROM t WHERE b = $12 AND c = ??"),
            ("SELECT 'it''s' || x, 17, -2.5e3, 0x1F", "SELECT ? || x, ?, -?, ?"),
            ("INSERT INTO t VALUES ('a', 'b')", "INSERT INTO t VALUES (?, ?)"),
            ("SELECT 'never closed", "SELECT ?"),
            ("", ""),
        ] {
            assert_eq!(without_values(sql), shown);
        }
        assert_eq!(without_values(&"\u{e9}".repeat(3000)).chars().count(), MAX_TEXT / 2 + 1);
    }

    #[test]
    fn a_statement_is_kept_once_with_its_count_and_its_longest_time() {
        let slow = SlowStatements::new(250);
        slow.note(Pool::Reads, "SELECT 1", Duration::from_millis(250));
        assert!(slow.listed().is_empty());
        slow.note(Pool::Reads, "SELECT 1", SECOND * 2);
        slow.note(Pool::Reads, "SELECT 2", SECOND);
        slow.note_of_batch("COMMIT", SECOND);
        let listed = slow.listed();
        let seen: Vec<_> = listed.iter().map(|it| (&*it.text, it.pool.as_str(), it.count)).collect();
        assert_eq!(seen, [("COMMIT", "batches", 1), ("SELECT ?", "reads", 2)]);
        assert_eq!((listed[1].longest, listed[1].latest), (SECOND * 2, SECOND));
        assert_eq!(slow.take_of_batch(), [("COMMIT".to_owned(), SECOND)]);
        assert!(slow.take_of_batch().is_empty(), "each batch has its own");
    }

    #[test]
    fn the_list_is_bounded_and_forgets_what_is_over() {
        let slow = SlowStatements::new(1);
        for number in 0..2 * MAX_KEPT {
            slow.note(Pool::Reads, &format!("SELECT column_{number}"), SECOND);
        }
        let listed = slow.listed();
        assert_eq!((listed.len(), &*listed[0].text), (MAX_KEPT, "SELECT column_127"));
        for statement in lock(&slow.kept).iter_mut() {
            statement.last_at = Instant::now().checked_sub(KEPT).unwrap();
        }
        assert!(slow.listed().is_empty());
        let nothing = SlowStatements::new(0);
        nothing.note(Pool::Reads, "SELECT 1", SECOND * 3600);
        assert!(nothing.listed().is_empty(), "0 switches it off");
    }
}
