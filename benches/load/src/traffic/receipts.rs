//! Receipts: readers report each message as delivered and then as read, as a phone does, and writers see that it was.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::soundness::Soundness;
use crate::frame::{self, Receipt};
use crate::marked_frame::Mark;
use crate::socket::text_frame;
use crate::tally::Tally;

/// The user ids of a pair that exchanges receipts.
#[derive(Clone, Copy)]
pub(crate) struct Partners {
    pub(crate) writer: i32,
    pub(crate) reader: i32,
}

/// The measurements of receipts.
pub(super) struct ReceiptBoard {
    /// Messages of which their writers know that they were read.
    read: AtomicU64,
    /// Answers to the readers' reports.
    answered: AtomicU64,
    /// Receipts that came a second time, and those that came after a later one.
    duplicated: AtomicU64,
    out_of_order: AtomicU64,
    read_by_writer: Vec<Mutex<Tally>>,
    answered_by_reader: Vec<Mutex<Tally>>,
}

impl ReceiptBoard {
    pub(super) fn new(pairs: usize) -> Self {
        let tallies = || (0..pairs).map(|_| Mutex::default()).collect();
        Self {
            read: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            duplicated: AtomicU64::new(0),
            out_of_order: AtomicU64::new(0),
            read_by_writer: tallies(),
            answered_by_reader: tallies(),
        }
    }

    pub(super) fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Records that a writer knows that a message was read.
    pub(super) fn note_read(&self, writer: usize, seq: u64) {
        self.read.fetch_add(1, Ordering::Relaxed);
        note(&self.read_by_writer, writer, seq);
    }

    /// Records the answer to the report that a message was read.
    pub(super) fn note_answered(&self, reader: usize, seq: u64) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        note(&self.answered_by_reader, reader, seq);
    }

    /// Records the place of an event in its stream, or of a receipt in its conversation, against the newest before it.
    pub(super) fn note_place(&self, newest: &mut u64, place: u64) {
        match place.cmp(newest) {
            std::cmp::Ordering::Less => self.out_of_order.fetch_add(1, Ordering::Relaxed),
            std::cmp::Ordering::Equal => self.duplicated.fetch_add(1, Ordering::Relaxed),
            std::cmp::Ordering::Greater => 0,
        };
        *newest = place.max(*newest);
    }

    /// Returns whether one of so many messages lacks its receipt or the answer to its report.
    pub(super) fn is_waiting(&self, acknowledged: u64, delivered: u64) -> bool {
        self.read() < acknowledged || self.answered.load(Ordering::Relaxed) < delivered
    }

    /// Adds what is wrong with the receipts of a pair: of these messages that were acknowledged and delivered.
    pub(super) fn add_pair(&self, sound: &mut Soundness, pair: usize, acknowledged: &Tally, delivered: &Tally) {
        let with = |tallies: &[Mutex<Tally>], look: &mut dyn FnMut(&Tally)| {
            if let Some(tally) = tallies.get(pair) {
                look(&tally.lock().unwrap_or_else(PoisonError::into_inner));
            }
        };
        with(&self.read_by_writer, &mut |read| {
            sound.unread += acknowledged.not_in(read);
            sound.add(read);
        });
        with(&self.answered_by_reader, &mut |answered| {
            sound.unanswered += delivered.not_in(answered);
            // A batch answers reports that it has merged before the one that stands for them.
            sound.duplicated += answered.duplicated;
        });
    }

    /// Adds what is wrong with the order of all receipts.
    pub(super) fn add_order(&self, sound: &mut Soundness) {
        sound.duplicated += self.duplicated.load(Ordering::Relaxed);
        sound.out_of_order += self.out_of_order.load(Ordering::Relaxed);
    }
}

fn note(tallies: &[Mutex<Tally>], index: usize, seq: u64) {
    if let Some(tally) = tallies.get(index) {
        tally.lock().unwrap_or_else(PoisonError::into_inner).note(seq);
    }
}

/// The reader's side.
pub(super) struct Reports {
    partners: Partners,
    /// The newest event of the socket.
    newest: u64,
}

impl Reports {
    pub(super) fn new(partners: Partners) -> Self {
        Self { partners, newest: 0 }
    }

    /// Handles the frame of a message, and adds the two reports to `outbox`: what the Rust client sends for each
    /// message of which it does not hold `delivered` back.
    pub(super) fn report(&mut self, frame: &[u8], mark: Mark, board: &ReceiptBoard, outbox: &mut Vec<u8>) {
        let (Some(seq), Some(id)) = (frame::event(frame), frame::id(frame)) else { return };
        board.note_place(&mut self.newest, seq);
        let delivered = format!(r#"{{"type":"delivered","up_to_seq":{seq}}}"#);
        let partner = self.partners.writer;
        let read = format!(r#"{{"type":"read","partner_id":{partner},"up_to_id":{id},"ref":"{}"}}"#, mark.seq);
        for report in [delivered, read] {
            outbox.extend_from_slice(&text_frame(report.as_bytes()).0);
        }
    }

    /// Handles the frame of a receipt, and returns the number of the message whose report it answers.
    pub(super) fn answer(&mut self, frame: &[u8], board: &ReceiptBoard) -> Option<u64> {
        let receipt = Receipt::of(frame)?;
        if let Some(seq) = frame::event(frame) {
            board.note_place(&mut self.newest, seq);
        }
        let is_own = receipt.user == i64::from(self.partners.reader) && receipt.is_read;
        receipt.reference.filter(|_| is_own)
    }
}

/// The writer's side: its messages that are stored, and of which it does not know that they were read.
pub(super) struct Unread {
    partners: Partners,
    stored: VecDeque<(u64, Mark)>,
    /// The newest event of the socket.
    newest: u64,
    /// The ids of the newest messages that the reader is known to have, and to have read.
    delivered: u64,
    read: u64,
}

impl Unread {
    pub(super) fn new(partners: Partners) -> Self {
        Self { partners, stored: VecDeque::new(), newest: 0, delivered: 0, read: 0 }
    }

    /// Handles the frame of an acknowledgement.
    pub(super) fn store(&mut self, frame: &[u8], mark: Mark, board: &ReceiptBoard) {
        if let (Some(seq), Some(id)) = (frame::event(frame), frame::id(frame)) {
            board.note_place(&mut self.newest, seq);
            self.stored.push_back((id, mark));
        }
    }

    /// Handles the frame of a receipt: calls `read` with each message of which it is the first to say so. Returns
    /// whether it is about a message of this writer.
    pub(super) fn take(&mut self, frame: &[u8], board: &ReceiptBoard, mut read: impl FnMut(Mark)) -> bool {
        let Some(receipt) = Receipt::of(frame) else { return false };
        if let Some(seq) = frame::event(frame) {
            board.note_place(&mut self.newest, seq);
        }
        let Partners { writer, reader } = self.partners;
        if (receipt.user, receipt.partner) != (reader.into(), writer.into()) {
            return false;
        }
        if !receipt.is_read {
            // Nobody reports the delivery of what is known to be read.
            let mut known = self.delivered.max(self.read);
            board.note_place(&mut known, receipt.up_to);
            self.delivered = known;
            return self.stored.binary_search_by_key(&receipt.up_to, |(id, _)| *id).is_ok();
        }
        board.note_place(&mut self.read, receipt.up_to);
        let mut last = None;
        while let Some((id, mark)) = self.stored.pop_front_if(|(id, _)| *id <= receipt.up_to) {
            last = Some(id);
            read(mark);
        }
        last == Some(receipt.up_to)
    }
}

#[cfg(test)]
mod tests;
