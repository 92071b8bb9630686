//! The server at a glance: whether it can be used, what it does, and how near it is to its limits.

use std::collections::BTreeMap;

use serde::Serialize;

use super::disk::Disk;
use super::second::shown;
use super::{Monitor, Readiness};
use crate::domain::Timestamp;
use crate::storage::PoolFigures;
use crate::telemetry::{ActorKind, Files, Level, SocketKind, Usage, metrics};
use crate::version::{COMMIT, VERSION};

/// The server at one moment. What is not known is `None`.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Its name among those on its database.
    pub node: String,
    /// The version of the program.
    pub version: &'static str,
    /// The commit that it was built from.
    pub commit: Option<&'static str>,
    /// When this was seen.
    pub at: Timestamp,
    /// When the server was started.
    pub started_at: Timestamp,
    /// Seconds since then.
    pub uptime_s: u64,
    /// Whether it can be used.
    pub ready: bool,
    /// Whether it is stopping.
    pub draining: bool,
    /// Why it cannot be used.
    pub problems: Vec<Problem>,
    /// What an operator should look at although it can be used.
    pub warnings: Vec<Warning>,
    /// Users with at least one socket.
    pub sessions: u64,
    /// Open sockets.
    pub sockets: SocketCounts,
    /// Connections of clients.
    pub connections: PlacesTaken,
    /// Messages stored in the last second.
    pub messages_per_s: Option<f32>,
    /// What limiters have refused in the last second.
    pub refused_per_s: Option<f32>,
    /// The time of half of the transactions of batches of the last second, at most.
    pub commit_p50_ms: Option<f32>,
    /// The time of 99 of 100 of them, at most.
    pub commit_p99_ms: Option<f32>,
    /// What waits for each kind of actor.
    pub mailbox: BTreeMap<&'static str, Mailbox>,
    /// How often actors have failed since the start.
    pub restarts: u64,
    /// Memory in use, in bytes.
    pub rss_bytes: Option<u64>,
    /// Processors that were busy with this program in the last second.
    pub cpu_cores: Option<f32>,
    /// Processors that it may use.
    pub cpus: usize,
    /// Open files.
    pub fds: OpenFiles,
    /// Threads that hash passwords.
    pub passwords: PasswordThreads,
    /// The disks of the store and of files.
    pub disks: Vec<DiskRoom>,
    /// The store.
    pub database: Database,
}

/// Why the server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What was checked.
    pub name: &'static str,
    /// What is wrong with it.
    pub reason: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// What is worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The part of the server.
    pub name: &'static str,
    /// What is amiss.
    pub warning: String,
}

/// Open sockets by what they speak.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SocketCounts {
    /// In the dialect of the Android app.
    pub legacy: usize,
    /// In `fluent.v1`, of apps that somebody looks at.
    pub v1: usize,
    /// In `fluent.v1`, of apps in the background.
    pub background: usize,
}

/// The places for connections.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct PlacesTaken {
    /// Those that are taken.
    pub open: usize,
    /// All of them.
    pub limit: usize,
}

/// What waits for a kind of actor.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Mailbox {
    /// Messages that wait.
    pub waiting: u64,
    /// The wait of 99 of 100 messages of the last second, at most.
    pub wait_p99_ms: Option<f32>,
}

/// Open files of the process.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OpenFiles {
    /// Files, sockets among them.
    pub open: Option<u64>,
    /// Most that may be open.
    pub limit: Option<u64>,
}

/// The threads that hash passwords.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PasswordThreads {
    /// Threads.
    pub threads: usize,
    /// Those that hash one.
    pub busy: i64,
    /// Passwords that wait.
    pub waiting: i64,
}

/// The room on a disk.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DiskRoom {
    /// `store` or `media`.
    pub disk: &'static str,
    /// Free bytes.
    pub free_bytes: Option<u64>,
    /// All bytes.
    pub size_bytes: Option<u64>,
    /// Fewer free bytes are too few.
    pub min_free_bytes: u64,
}

/// The store.
#[derive(Clone, Debug, Serialize)]
pub struct Database {
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    /// Its size.
    pub bytes: Option<u64>,
    /// The size of SQLite's write-ahead log.
    pub wal_bytes: Option<u64>,
    /// Its connections by their purpose.
    pub pool: BTreeMap<&'static str, Connections>,
}

/// The connections of one purpose.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Connections {
    /// Those that are open.
    pub size: usize,
    /// Most that may be open.
    pub max: usize,
    /// Those in use.
    pub busy: usize,
    /// Transactions that wait for one, or on SQLite for the right to write; reads are not counted.
    pub waiting: Option<i64>,
}

impl Monitor {
    /// Asks the database, and returns the server at a glance.
    pub async fn overview(&self) -> Overview {
        let readiness = self.readiness().await;
        let (problems, at, last) = (self.problems(&readiness), self.clock.now(), self.history.last());
        let known = |number: Option<f32>| number.and_then(shown);
        let [legacy, v1, background] = self.open_sockets();
        let mailbox = |kind: ActorKind| {
            let wait_p99_ms = known(last.map(|last| last.wait_p99_ms[kind as usize]));
            (kind.as_str(), Mailbox { waiting: self.health.snapshot(kind).waiting, wait_p99_ms })
        };
        let Files { open, limit } = Files::now();
        let passed = at.as_secs().saturating_sub(self.started_at.as_secs());
        Overview {
            node: self.node.clone(),
            version: VERSION,
            commit: COMMIT,
            at,
            started_at: self.started_at,
            uptime_s: u64::try_from(passed).unwrap_or_default(),
            ready: problems.is_empty(),
            draining: self.health.is_draining(),
            problems,
            warnings: warnings(readiness),
            sessions: self.health.snapshot(ActorKind::Session).alive,
            sockets: SocketCounts { legacy, v1, background },
            connections: self.edge.get().map(|edge| edge.connections()).unwrap_or_default(),
            messages_per_s: known(last.map(|last| last.messages_per_s)),
            refused_per_s: known(last.map(|last| last.refused_per_s)),
            commit_p50_ms: known(last.map(|last| last.commit_p50_ms)),
            commit_p99_ms: known(last.map(|last| last.commit_p99_ms)),
            mailbox: self.health.kinds().map(mailbox).collect(),
            restarts: self.health.failures(),
            rss_bytes: Usage::now().rss_bytes,
            cpu_cores: known(last.map(|last| last.cpu_cores)),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            fds: OpenFiles { open, limit },
            passwords: PasswordThreads {
                threads: self.hash_threads,
                busy: metrics().passwords_hashed.get(),
                waiting: metrics().passwords_waiting.get(),
            },
            disks: self.disks().into_iter().map(|(disk, room)| self.room(disk, room)).collect(),
            database: self.database(),
        }
    }

    /// Returns the open sockets of each kind.
    pub(super) fn open_sockets(&self) -> [usize; SocketKind::ALL.len()] {
        self.edge.get().map(|edge| edge.open_sockets()).unwrap_or_default()
    }

    /// Returns why the server cannot be used: checks that fail, and what keeps clients out.
    fn problems(&self, readiness: &Readiness) -> Vec<Problem> {
        let failing = readiness.checks.iter().filter(|check| !check.ok);
        let failed = |check: &super::Check| Problem {
            name: check.name,
            reason: check.reason.clone().unwrap_or_default(),
            since: check.since,
        };
        let mut found: Vec<Problem> = failing.map(failed).collect();
        let is_full = self.edge.get().is_some_and(|edge| edge.is_full());
        for (is_so, name, reason) in [
            (is_full, "connections", "a newcomer would get no place"),
            (self.health.gate().is_fenced(), "fenced", "the database is out of reach for this server alone"),
            (self.health.is_draining(), "draining", "the server is stopping"),
        ] {
            if is_so {
                found.push(Problem { name, reason: reason.to_owned(), since: None });
            }
        }
        found
    }

    fn room(&self, disk: &'static str, room: &Disk) -> DiskRoom {
        let (free_bytes, size_bytes) = (room.free_bytes(), room.total_bytes());
        DiskRoom { disk, free_bytes, size_bytes, min_free_bytes: self.min_free_bytes }
    }

    fn database(&self) -> Database {
        let connections = |PoolFigures { pool, size, max, busy }: PoolFigures| {
            let waiting = metrics().store.waiting(pool).map(Level::get);
            (pool.as_str(), Connections { size, max, busy, waiting })
        };
        let pool = self.storage.pools().into_iter().map(connections).collect();
        let (bytes, wal_bytes) = self.sizes.get();
        Database { kind: self.storage.engine(), bytes, wal_bytes, pool }
    }
}

fn warnings(readiness: Readiness) -> Vec<Warning> {
    let warned = |check: super::Check| check.warning.map(|warning| Warning { name: check.name, warning });
    readiness.checks.into_iter().filter_map(warned).collect()
}
