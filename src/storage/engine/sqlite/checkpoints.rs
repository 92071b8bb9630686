//! Checkpoints, which move committed pages from SQLite's write-ahead log into the database file, beside the writer.
//!
//! SQLite does this at the end of the commit that has made the log long, and all messages wait for it. Here a dedicated
//! thread does most of it while the writer continues (a *passive* checkpoint neither waits for other connections nor
//! blocks them, <https://sqlite.org/c3ref/wal_checkpoint_v2.html>). Under steady load it never quite reaches the end of
//! the log, and only there can the log begin anew; so once the log is long, the thread checks more often, and when only
//! few pages are left, the writer itself moves them. Bound: the log holds about [`BACKSTOP_PAGES`] pages, unless a
//! reader needs them.

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use crate::storage::StorageError;
use crate::storage::engine::sqlite::open_files::SharedFiles;

/// Pages by which the log grows between two checkpoints: a page that is written several times meanwhile is moved once.
/// With four times as many, each checkpoint keeps the disk so busy that messages wait twice as long (p99 of 9 and 20 ms
/// at 40,000/s).
const EVERY: c_int = 1000;
/// Length of the log, in pages, from which on it should begin anew (32 MiB).
const LONG: c_int = 8000;
/// Most pages that the writer itself moves then, while it waits for the disk.
const LITTLE: c_int = 1000;
/// Length of the log, in pages, from which on any writing connection moves all of it, as the value of its setting.
pub(in crate::storage) const BACKSTOP: &str = "16000";
const BACKSTOP_PAGES: c_int = 16_000;

thread_local! {
    /// The length of the log after the last commit of this thread.
    static PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// The thread, and when it was last woken.
pub(in crate::storage) struct Checkpoints {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    woken_at: c_int,
    /// The number of pages of the log that have been moved. Locked during a checkpoint: SQLite refuses a second one.
    moved: Arc<Mutex<c_int>>,
}

impl Checkpoints {
    /// Starts the thread, which checkpoints on `connection` while the store is in its `place`. `writer` reports the
    /// length of its log.
    pub(in crate::storage) fn start(
        writer: &Connection,
        connection: Connection,
        place: Arc<SharedFiles>,
    ) -> Result<Self, StorageError> {
        writer.wal_hook(Some(after_commit));
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new().name("checkpoints".to_owned());
        let moved = Arc::new(Mutex::new(0));
        let theirs = moved.clone();
        let run = move || {
            while woken.recv().is_ok() {
                if place.get().is_some_and(|place| place.lost().is_some()) {
                    continue;
                }
                move_pages(&connection, &mut hold(&theirs));
            }
        };
        let thread = thread.spawn(run).map_err(StorageError::Thread)?;
        Ok(Self { wake: Some(wake), thread: Some(thread), woken_at: 0, moved })
    }

    /// Must be called after each commit of `writer`, on the same thread.
    pub(in crate::storage) fn committed(&mut self, writer: &Connection) {
        let pages = PAGES.get();
        if pages < self.woken_at {
            // The log has begun anew.
            self.woken_at = 0;
        }
        if pages >= BACKSTOP_PAGES {
            move_pages(writer, &mut hold(&self.moved));
        } else if pages >= LONG {
            // Unless the thread is running a checkpoint.
            if let Ok(mut moved) = self.moved.try_lock()
                && pages - *moved <= LITTLE
            {
                move_pages(writer, &mut moved);
            } else {
                self.wake(pages);
            }
        } else if pages - self.woken_at >= EVERY {
            self.wake(pages);
        }
    }

    fn wake(&mut self, pages: c_int) {
        self.woken_at = pages;
        // A full channel means that a wake-up is already pending.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        // Fails only when the thread has panicked, which also means that it has ended.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn hold(moved: &Mutex<c_int>) -> MutexGuard<'_, c_int> {
    moved.lock().unwrap_or_else(PoisonError::into_inner)
}

fn move_pages(connection: &Connection, moved: &mut c_int) {
    // A reader or a full disk may prevent it: the log stays long, and the next checkpoint tries again.
    match connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get("checkpointed")) {
        Ok(pages) => *moved = pages,
        Err(error) => tracing::debug!(error = %error, "a checkpoint failed"),
    }
}

/// Records the length of the log. SQLite calls this within a commit that has succeeded, and would report an error from
/// here as one of the commit.
#[expect(clippy::unnecessary_wraps, reason = "the type of such a function")]
fn after_commit(_: &Wal, pages: c_int) -> rusqlite::Result<()> {
    PAGES.set(pages);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::storage::engine::slow::SlowStatements;
    use crate::storage::engine::sqlite::batches::{SqliteBatches, SqliteTransaction};
    use sea_orm::{DatabaseBackend, Statement};

    const PAGE: u64 = 4096;

    struct Place {
        batches: Arc<tokio::sync::Mutex<SqliteBatches>>,
        dir: tempfile::TempDir,
    }

    impl Place {
        async fn commit(&self, sql: &str) {
            let tx = SqliteTransaction::begin(self.batches.clone().lock_owned().await).unwrap();
            tx.execute(&Statement::from_string(DatabaseBackend::Sqlite, sql)).unwrap();
            tx.commit().unwrap();
        }

        fn pages(&self, file: &str) -> u64 {
            std::fs::metadata(self.dir.path().join(file)).unwrap().len() / PAGE
        }
    }

    /// While the writer goes on, what it has written moves into the database, and the log does not grow for ever.
    #[tokio::test]
    async fn the_log_moves_beside_the_writer_and_is_bounded() {
        assert_eq!(BACKSTOP.parse(), Ok(BACKSTOP_PAGES));
        let dir = tempfile::tempdir().unwrap();
        let pragmas = vec![("journal_mode", "WAL"), ("synchronous", "OFF")];
        let batches = SqliteBatches::new(dir.path().join("a.db"), pragmas, SlowStatements::new(0));
        let place = Place { batches: Arc::new(tokio::sync::Mutex::new(batches)), dir };
        place.commit("CREATE TABLE t (a BLOB)").await;
        // Far below the backstop: only the thread can have moved it.
        place.commit("INSERT INTO t SELECT zeroblob(5000 * 4096)").await;
        let deadline = Instant::now() + Duration::from_secs(20);
        while place.pages("a.db") < 5000 {
            assert!(Instant::now() < deadline, "nothing was moved");
            std::thread::yield_now();
        }
        for _ in 0..60 {
            place.commit("INSERT INTO t SELECT zeroblob(1000 * 4096)").await;
        }
        let log = place.pages("a.db-wal");
        assert!(log < u64::try_from(BACKSTOP_PAGES).unwrap() + 2000, "{log} pages");

        let tx = SqliteTransaction::begin(place.batches.clone().lock_owned().await).unwrap();
        let sql = Statement::from_string(DatabaseBackend::Sqlite, "SELECT COUNT(*) FROM t");
        assert_eq!(tx.query(&sql).unwrap()[0].get::<i64>(0).unwrap(), 61);
        drop(tx);
        place.batches.lock().await.close();
        assert!(!place.dir.path().join("a.db-wal").exists(), "the last connection takes the log with it");
    }
}
