//! What writers and readers note down.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::latency::Latencies;
use crate::tally::Tally;

/// The time that is measured, by [`clock`](crate::clock).
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Window {
    pub(super) fn has(self, moment: u64) -> bool {
        (self.from..self.to).contains(&moment)
    }
}

/// What is known of one pair.
#[derive(Default)]
pub(super) struct Pair {
    pub(super) acknowledged: Tally,
    pub(super) delivered: Tally,
}

/// How long messages took that were meant for the measured time.
pub(super) struct Times {
    pub(super) delivery: Latencies,
    pub(super) acknowledgement: Latencies,
    /// From when a message was due to when the tool had it ready.
    pub(super) lag: Latencies,
}

/// Everything that is noted down in a run.
pub(super) struct Board {
    pub(super) window: Window,
    pub(super) sent: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) delivered: AtomicU64,
    /// Error frames.
    pub(super) errors: AtomicU64,
    /// Frames that the socket should not have got: of another pair, or with the other copy.
    pub(super) strays: AtomicU64,
    times: Mutex<Times>,
    pairs: Vec<Mutex<Pair>>,
}

impl Board {
    pub(super) fn new(window: Window, pairs: u32) -> Result<Self> {
        let times = Times { delivery: Latencies::new()?, acknowledgement: Latencies::new()?, lag: Latencies::new()? };
        Ok(Self {
            window,
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            strays: AtomicU64::new(0),
            times: Mutex::new(times),
            pairs: (0..pairs).map(|_| Mutex::default()).collect(),
        })
    }

    pub(super) fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes something of a pair.
    pub(super) fn pair(&self, number: u32, note: impl FnOnce(&mut Pair)) {
        if let Some(pair) = self.pairs.get(number as usize) {
            note(&mut pair.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// All pairs, one after the other.
    pub(super) fn pairs(&self) -> impl Iterator<Item = MutexGuard<'_, Pair>> {
        self.pairs.iter().map(|pair| pair.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether something was acknowledged and has not been delivered.
    pub(super) fn is_waiting(&self) -> bool {
        self.delivered.load(Ordering::Relaxed) < self.acknowledged.load(Ordering::Relaxed)
    }
}
