//! What the relay says to the other servers by the link, and hears from them there.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::batch::Batch;
use super::copies::leave_out;
use super::link::{Heard, Link, MAX_WORD, Word, WordKind};
use super::{RelayMsg, RelayState, foreign};
use crate::domain::{Epoch, Seq};
use crate::protocol::record::{AnnouncedRecord, COMPACT_LEVEL, decode_part, encode_parts};
use crate::storage::CommittedBatch;
use crate::telemetry::{Dropped, metrics};

impl RelayState {
    pub(super) fn link_is_up(&self) -> bool {
        self.args.link.as_ref().is_some_and(Link::is_up)
    }

    /// Shows whether the link is up.
    pub(super) fn note_link(&self) {
        let is_up = self.link_is_up();
        self.args.health.set_relay_up(is_up);
        metrics().cluster.relay_up.set(if is_up { 1.0 } else { 0.0 });
    }

    pub(super) fn heard(&mut self, epoch: Epoch, heard: Heard) {
        match heard {
            Heard::Up | Heard::Down => {
                self.note_link();
                self.look();
            }
            Heard::Missed => self.look(),
            Heard::Word { kind: WordKind::Log, bytes, place } => self.heard_record(epoch, &bytes, place),
            // They go elsewhere.
            Heard::Word { .. } => {}
        }
    }

    /// Returns whether a batch that begins with this number may wait. One that may not is dropped: the journal has it.
    pub(super) fn has_room(&self, first: Seq) -> bool {
        let has_room = !self.sequencer.is_too_much(first);
        if !has_room {
            metrics().cluster.dropped(Dropped::Queue);
        }
        has_room
    }

    /// Tells the other servers what a batch of this one has done, without the copies that they do not need as far as is
    /// known.
    pub(super) fn announce_batch(&self, committed: &CommittedBatch, batch: &Batch) {
        let CommittedBatch { nonce, first, last, clock, .. } = *committed;
        let Some(link) = self.args.link.as_ref().filter(|_| first <= last) else { return };
        if !link.is_up() {
            metrics().cluster.dropped(Dropped::Queue);
            return;
        }
        let (boot, at) = (self.args.storage.boot(), self.args.clock.now());
        let mut record = batch.record(first, last);
        let level = self.args.storage.agreed_level();
        if level >= COMPACT_LEVEL {
            self.args.others.when_all_known(|is_elsewhere| leave_out(&mut record, is_elsewhere));
        }
        for bytes in encode_parts(AnnouncedRecord { boot, nonce, at, clock, record }, MAX_WORD, level) {
            link.say(Word { kind: WordKind::Log, bytes });
        }
    }

    /// Takes what another server says about a batch, and reads the messages in it that are not whole.
    fn heard_record(&mut self, epoch: Epoch, bytes: &Bytes, place: OwnedSemaphorePermit) {
        let AnnouncedRecord { boot, nonce, at, clock, record } = match decode_part(bytes) {
            Ok(told) => told,
            Err(error) => {
                self.unreadable.note(&error);
                return;
            }
        };
        if boot == self.args.storage.boot() {
            return;
        }
        // What the database has from now on must have it.
        self.args.storage.note_batch(&epoch, record.last, nonce, clock);
        let (first, last, size) = (record.first, record.last, bytes.len());
        if last <= self.sequencer.told() {
            metrics().cluster.dropped(Dropped::Stale);
            return;
        }
        if !self.has_room(first) {
            // Nothing is read for it, either.
            return;
        }
        let wanted = foreign::wanted(&record, |user| self.args.local.has(user));
        if wanted.is_empty() {
            let batch = foreign::batch(record, &mut HashMap::new(), at, size);
            return self.foreign(first, last, batch);
        }
        let (mailbox, storage) = (self.mailbox.clone(), self.args.storage.clone());
        tokio::spawn(async move {
            // What cannot be read is a gap, for which the journal is tried again and again.
            if let Ok(mut messages) = storage.recorded_messages(&wanted).await {
                let batch = foreign::batch(record, &mut messages, at, size);
                mailbox.cast(RelayMsg::Foreign { epoch, first, last, batch, place });
            }
        });
    }
}
