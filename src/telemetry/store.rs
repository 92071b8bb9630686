//! Metrics of the store.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::level::Level;
use super::messages::at_zero;
use super::names;
use super::window::Window;

/// The connections of the store by their purpose, as the label `pool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// The writer's batches.
    Batches,
    /// Writes of requests.
    Requests,
    /// Reads.
    Reads,
    /// Retention.
    Cleanup,
    /// Wake-ups.
    Wakes,
}

impl Pool {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 5] = [Self::Batches, Self::Requests, Self::Reads, Self::Cleanup, Self::Wakes];
    /// Those that write.
    const WRITING: [Self; 4] = [Self::Batches, Self::Requests, Self::Cleanup, Self::Wakes];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Batches => "batches",
            Self::Requests => "requests",
            Self::Reads => "reads",
            Self::Cleanup => "cleanup",
            Self::Wakes => "wakes",
        }
    }
}

/// Failures of the database, as the label `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DbFailure {
    /// It did not answer in time.
    Timeout,
    /// There was no connection, or it has ended.
    Connection,
    /// There is no room.
    Full,
    /// Its files are gone or replaced.
    Lost,
    /// A statement has failed otherwise.
    Statement,
}

impl DbFailure {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 5] = [Self::Timeout, Self::Connection, Self::Full, Self::Lost, Self::Statement];

    /// Returns the label's value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Full => "full",
            Self::Lost => "lost",
            Self::Statement => "statement",
        }
    }
}

/// Metrics of the store, made once.
pub struct StoreMetrics {
    /// Commands that wait for their commit.
    pub in_flight: Level,
    /// The times of the transactions of batches since the last look.
    pub commits: Window,
    /// Statements that took too long.
    pub slow: Counter,
    /// Write-ahead logs emptied.
    pub checkpoints: Counter,
    /// How far the newest time stamp is ahead of the clock.
    pub ahead_seconds: Gauge,
    /// Times that the clock was set back.
    pub backsteps: Counter,
    commit_seconds: Histogram,
    batch_commands: Histogram,
    acquire_seconds: [Histogram; Pool::WRITING.len()],
    /// Transactions that wait for their connection or for the right to write.
    waiting: [Level; Pool::WRITING.len()],
    errors: [Counter; DbFailure::ALL.len()],
}

impl StoreMetrics {
    /// Makes the series, at zero, so that they exist before their first event.
    pub(super) fn new() -> Self {
        let made = Self {
            in_flight: Level::new(gauge!(names::IN_FLIGHT)),
            commits: Window::default(),
            slow: at_zero(counter!(names::DB_SLOW)),
            checkpoints: at_zero(counter!(names::CHECKPOINTS)),
            ahead_seconds: gauge!(names::STORE_AHEAD_SECONDS),
            backsteps: at_zero(counter!(names::CLOCK_BACKSTEPS)),
            commit_seconds: histogram!(names::COMMIT_SECONDS),
            batch_commands: histogram!(names::BATCH_COMMANDS),
            acquire_seconds: Pool::WRITING.map(|pool| histogram!(names::DB_ACQUIRE_SECONDS, "pool" => pool.as_str())),
            waiting: Pool::WRITING.map(|_| Level::new(Gauge::noop())),
            errors: DbFailure::ALL.map(|kind| at_zero(counter!(names::DB_ERRORS, "kind" => kind.as_str()))),
        };
        made.ahead_seconds.set(0.0);
        made
    }

    /// Counts a batch that was committed.
    #[expect(clippy::cast_precision_loss, reason = "a batch has at most 1,024 commands")]
    pub fn committed(&self, commands: usize, took: Duration) {
        self.commit_seconds.record(took);
        self.commits.record(took);
        self.batch_commands.record(commands as f64);
    }

    /// Records the wait of a transaction for its connection and for the right to write.
    pub fn acquired(&self, pool: Pool, waited: Duration) {
        if let Some(at) = Pool::WRITING.iter().position(|writing| *writing == pool) {
            self.acquire_seconds[at].record(waited);
        }
    }

    /// Returns how many transactions wait for a connection of a pool and for the right to write; `None` for reads,
    /// which are not counted.
    pub fn waiting(&self, pool: Pool) -> Option<&Level> {
        Pool::WRITING.iter().position(|writing| *writing == pool).map(|at| &self.waiting[at])
    }

    /// Counts a failure of the database.
    pub fn failed(&self, kind: DbFailure) {
        self.errors[kind as usize].increment(1);
    }

    /// Notes how many connections of a pool are in use, and how many are not.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn connections(&self, pool: Pool, busy: usize, idle: usize) {
        for (state, count) in [("busy", busy), ("idle", idle)] {
            gauge!(names::DB_CONNECTIONS, "pool" => pool.as_str(), "state" => state).set(count as f64);
        }
    }

    /// Notes the size of the database, and on SQLite that of its write-ahead log.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn size(&self, bytes: Option<u64>, wal_bytes: Option<u64>) {
        for (name, bytes) in [(names::DB_BYTES, bytes), (names::WAL_BYTES, wal_bytes)] {
            if let Some(bytes) = bytes {
                gauge!(name).set(bytes as f64);
            }
        }
    }

    /// Notes the room on a disk and its size; `disk` is `store` or `media`.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub fn disk(&self, disk: &'static str, free: u64, size: u64) {
        gauge!(names::DISK_FREE, "disk" => disk).set(free as f64);
        gauge!(names::DISK_SIZE, "disk" => disk).set(size as f64);
    }
}
