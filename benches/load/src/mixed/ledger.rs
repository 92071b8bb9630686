//! The shared measurements of all people.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::latency::{Latencies, Summary};
use crate::requests::{Ask, Connection};

/// Counters, times, and connections for requests.
pub(super) struct Ledger {
    pub(super) addr: SocketAddr,
    pub(super) sent: AtomicU64,
    acknowledged: AtomicU64,
    /// Messages that were sent again after a lost reply.
    pub(super) resent: AtomicU64,
    pub(super) received: AtomicU64,
    /// Received messages that came before `live`, to users who had been away.
    pub(super) replayed: AtomicU64,
    pub(super) typing: AtomicU64,
    pub(super) presence: AtomicU64,
    pub(super) receipts: AtomicU64,
    pub(super) pages: AtomicU64,
    pub(super) opened: AtomicU64,
    /// Sockets that were not opened, or that the server ended.
    pub(super) failed: AtomicU64,
    /// Error frames, refused requests, and resets.
    errors: AtomicU64,
    pub(super) online: AtomicU64,
    /// The number of people who have completed a phase.
    pub(super) ready: AtomicU64,
    /// The first problem.
    problem: Mutex<Option<String>>,
    times: Mutex<Latencies>,
    /// How late the tool itself was.
    lag: Mutex<Latencies>,
    /// From the connect to `live`.
    returns: Mutex<Latencies>,
    connections: Mutex<Vec<Connection>>,
}

impl Ledger {
    pub(super) fn new(addr: SocketAddr) -> Result<Self> {
        let zero = AtomicU64::default;
        Ok(Self {
            addr,
            sent: zero(),
            acknowledged: zero(),
            resent: zero(),
            received: zero(),
            replayed: zero(),
            typing: zero(),
            presence: zero(),
            receipts: zero(),
            pages: zero(),
            opened: zero(),
            failed: zero(),
            errors: zero(),
            online: zero(),
            ready: zero(),
            problem: Mutex::default(),
            times: Mutex::new(Latencies::new()?),
            lag: Mutex::new(Latencies::new()?),
            returns: Mutex::new(Latencies::new()?),
            connections: Mutex::default(),
        })
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(super) fn note_acknowledged(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// Records the latency of a message to a connected user.
    pub(super) fn note_time(&self, intended: u64, now: u64) {
        lock(&self.times).note(intended, now);
    }

    /// Records how late a message was written.
    pub(super) fn note_lag(&self, due: u64, now: u64) {
        lock(&self.lag).note(due, now);
    }

    /// Records the time in which a returning user became live.
    pub(super) fn note_return(&self, from: u64, now: u64) {
        self.opened.fetch_add(1, Ordering::Relaxed);
        lock(&self.returns).note(from, now);
    }

    pub(super) fn returns(&self) -> Summary {
        lock(&self.returns).summary()
    }

    pub(super) fn times(&self) -> Summary {
        lock(&self.times).summary()
    }

    pub(super) fn lag(&self) -> Summary {
        lock(&self.lag).summary()
    }

    /// Records an error.
    pub(super) fn note_error(&self, problem: String) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        lock(&self.problem).get_or_insert(problem);
    }

    /// Records a socket that did not open, or that the server ended.
    pub(super) fn note_failed(&self, problem: String) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        lock(&self.problem).get_or_insert(problem);
    }

    pub(super) fn problem(&self) -> Option<String> {
        lock(&self.problem).clone()
    }

    /// Sends a request on a free connection, and records what is wrong with the response.
    pub(super) async fn ask(&self, ask: &Ask) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        // A connection that was idle for long may have been closed; with a fresh one the request must succeed.
        for may_be_old in [true, false] {
            let kept = if may_be_old { lock(&self.connections).pop() } else { None };
            let connection = match kept {
                Some(connection) => Ok(connection),
                None => Connection::open(self.addr).await,
            };
            let Ok(mut connection) = connection else { continue };
            let Ok(answer) = connection.ask(&ask.request).await else { continue };
            if answer.status != 200 || !ask.accepts(answer.body) {
                let text: String = String::from_utf8_lossy(answer.body).chars().take(800).collect();
                let wanted: Vec<&str> = ask.expected.iter().map(|expect| expect.text.as_str()).collect();
                self.note_error(format!("{}: {}, not {}: {text}", ask.name, answer.status, wanted.join(" and ")));
            }
            lock(&self.connections).push(connection);
            return;
        }
        self.note_error(format!("{}: no answer", ask.name));
    }
}

/// Locks plain measurements, which are consistent after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
