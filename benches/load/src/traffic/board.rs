//! The measurements of writers and readers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use super::receipts::ReceiptBoard;
use super::soundness::Soundness;
use crate::latency::Latencies;
use crate::tally::Tally;

/// The measured period, by [`clock`](crate::clock).
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

/// Latencies of the messages that were due in the measured period.
pub(crate) struct Times {
    /// Until a message reaches each reader.
    pub(crate) delivery: Latencies,
    /// Until a message reaches the last of several readers.
    pub(crate) last: Latencies,
    /// Until the writer's acknowledgement.
    pub(crate) acknowledgement: Latencies,
    /// Until the writer knows that a message was read.
    pub(crate) read: Latencies,
    /// From the moment a message was due until the tool had it ready.
    pub(crate) lag: Latencies,
}

/// All measurements of a run.
pub(crate) struct Board {
    pub(super) window: Window,
    /// Readers of each message. Those of writer `n` are `n * fan` and the next.
    fan: usize,
    pub(super) sent: AtomicU64,
    acknowledged: AtomicU64,
    delivered: AtomicU64,
    /// Error frames.
    pub(super) errors: AtomicU64,
    /// Frames that a socket should not have received: of another pair, or with the other copy.
    pub(super) strays: AtomicU64,
    times: Mutex<Times>,
    by_writer: Vec<Mutex<Tally>>,
    by_reader: Vec<Mutex<Tally>>,
    /// With several readers: how many of them have each message of the only writer.
    arrivals: Mutex<Vec<u32>>,
    /// The receipts, when readers send some. Then each writer has one reader.
    pub(super) receipts: Option<ReceiptBoard>,
}

impl Board {
    pub(super) fn new(window: Window, writers: usize, fan: usize, has_receipts: bool) -> Result<Self> {
        let new = Latencies::new;
        let times = Times { delivery: new()?, last: new()?, acknowledgement: new()?, read: new()?, lag: new()? };
        let tallies = |count: usize| (0..count).map(|_| Mutex::default()).collect();
        Ok(Self {
            window,
            fan,
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            strays: AtomicU64::new(0),
            times: Mutex::new(times),
            by_writer: tallies(writers),
            by_reader: tallies(writers * fan),
            arrivals: Mutex::default(),
            receipts: has_receipts.then(|| ReceiptBoard::new(writers)),
        })
    }

    /// Returns the writer whose messages this reader gets.
    pub(super) fn writer_of(&self, reader: usize) -> u64 {
        (reader / self.fan.max(1)) as u64
    }

    /// Returns the number of frames that readers have received.
    fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Returns the number of operations that are done: frames that readers have received, or, with receipts, messages
    /// of which their writers know that they were read.
    pub(crate) fn done(&self) -> u64 {
        match &self.receipts {
            Some(receipts) => receipts.read(),
            // Without readers.
            None if self.fan == 0 => self.acknowledged.load(Ordering::Relaxed),
            None => self.delivered(),
        }
    }

    /// Returns the latencies.
    pub(crate) fn times(&self) -> MutexGuard<'_, Times> {
        lock(&self.times)
    }

    /// Records an acknowledgement to a writer.
    pub(super) fn note_acknowledged(&self, writer: usize, seq: u64) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        if let Some(tally) = self.by_writer.get(writer) {
            lock(tally).note(seq);
        }
    }

    /// Records the arrival of a message at a reader. Returns whether this was the last reader to get it.
    pub(super) fn note_delivered(&self, reader: usize, seq: u64) -> bool {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        if let Some(tally) = self.by_reader.get(reader) {
            lock(tally).note(seq);
        }
        if self.fan == 1 || self.by_writer.len() > 1 {
            return false;
        }
        let mut arrivals = lock(&self.arrivals);
        let index = usize::try_from(seq).unwrap_or(usize::MAX);
        if index >= arrivals.len() {
            arrivals.resize(index.saturating_add(1), 0);
        }
        arrivals.get_mut(index).is_some_and(|count| {
            *count += 1;
            *count as usize == self.fan
        })
    }

    /// Returns whether an acknowledged message has not been delivered yet, or a receipt has not.
    pub(super) fn is_waiting(&self) -> bool {
        let (acknowledged, delivered) = (self.acknowledged.load(Ordering::Relaxed), self.delivered());
        let receipts = self.receipts.as_ref();
        delivered < acknowledged * self.fan as u64 || receipts.is_some_and(|it| it.is_waiting(acknowledged, delivered))
    }

    /// Returns the soundness: whether every message came once and in order.
    pub(crate) fn soundness(&self) -> Soundness {
        let mut sound = Soundness {
            errors: self.errors.load(Ordering::Relaxed),
            strays: self.strays.load(Ordering::Relaxed),
            unacknowledged: self.sent.load(Ordering::Relaxed),
            ..Soundness::default()
        };
        for writer in &self.by_writer {
            let acknowledged = lock(writer);
            sound.unacknowledged = sound.unacknowledged.saturating_sub(acknowledged.count);
            sound.add(&acknowledged);
        }
        for (reader, delivered) in self.by_reader.iter().enumerate() {
            let delivered = lock(delivered);
            sound.add(&delivered);
            if let Some(writer) = self.by_writer.get(reader / self.fan.max(1)) {
                let acknowledged = lock(writer);
                sound.lost += acknowledged.not_in(&delivered);
                if let Some(receipts) = &self.receipts {
                    receipts.add_pair(&mut sound, reader, &acknowledged, &delivered);
                }
            }
        }
        if let Some(receipts) = &self.receipts {
            receipts.add_order(&mut sound);
        }
        sound
    }
}

/// Locks plain measurements, which are consistent after any panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(writers: usize, fan: usize) -> Board {
        Board::new(Window { from: 0, to: 10 }, writers, fan, false).unwrap()
    }

    #[test]
    fn what_was_acknowledged_must_be_delivered_to_every_reader() {
        let board = board(2, 2);
        board.sent.store(3, Ordering::Relaxed);
        board.note_acknowledged(0, 0);
        board.note_acknowledged(1, 0);
        for reader in [0, 1, 2] {
            board.note_delivered(reader, 0);
        }
        assert!(board.is_waiting());
        assert_eq!(board.soundness(), Soundness { lost: 1, unacknowledged: 1, ..Soundness::default() });
        board.note_delivered(3, 0);
        board.note_delivered(3, 0);
        assert_eq!(board.soundness(), Soundness { duplicated: 1, unacknowledged: 1, ..Soundness::default() });
    }

    #[test]
    fn the_last_of_several_readers() {
        let board = board(1, 3);
        let last: Vec<bool> =
            [(0, 5), (1, 5), (0, 4), (2, 5)].map(|(reader, seq)| board.note_delivered(reader, seq)).into();
        assert_eq!(last, [false, false, false, true]);
        assert_eq!((board.writer_of(2), board.delivered()), (0, 4));
    }
}
