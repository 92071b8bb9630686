//! What a device does with what comes.

use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;

use super::book::Heard;
use super::device::{Device, Kept};
use crate::frame;
use crate::marked_frame::{Mark, Seen, scan};
use crate::socket::Socket;

impl Device {
    /// Keeps what has come; whether `live` was among it.
    pub(super) fn take(&mut self, socket: &mut Socket) -> Result<bool> {
        let mut is_live = false;
        while let Some(frame) = socket.next()? {
            let event = frame::event(frame);
            let newest = self.newest;
            self.newest = newest.max(event.unwrap_or_default());
            if event.is_some_and(|seq| seq <= newest) {
                self.shared.disorder.fetch_add(1, Relaxed);
                self.shared.complain(|| format!("not in order: {}", String::from_utf8_lossy(frame)));
            }
            self.phone.received(frame);
            match scan(frame) {
                Seen::Received(mark) => {
                    self.keep(event, mark);
                    if let Some(timeline) = &self.shared.timeline {
                        timeline.note(mark, self.arrival);
                    }
                }
                Seen::Acknowledged(mark) => {
                    self.keep(event, mark);
                    let heard = match (frame::kind(frame), event) {
                        (b"stored", Some(_)) => Heard::First,
                        (b"stored", None) => Heard::Duplicate,
                        _ => Heard::Seen,
                    };
                    self.acknowledge(mark, frame::id(frame), heard);
                }
                Seen::Error => self.refused(frame),
                Seen::Live => {
                    is_live = true;
                    self.note_live();
                }
                Seen::Other => self.note(frame),
            }
        }
        Ok(is_live)
    }

    fn keep(&mut self, event: Option<u64>, mark: Mark) {
        if let Some(seq) = event {
            self.log.push(Kept { seq, pair: mark.pair, number: mark.seq });
        }
    }

    fn acknowledge(&mut self, mark: Mark, id: Option<u64>, heard: Heard) {
        self.shared.book.acknowledge(mark, id, heard);
        if let Some(outbox) = self.outboxes.iter_mut().find(|outbox| outbox.pair() == mark.pair) {
            outbox.acknowledge(mark);
        }
        self.phone.answered(&mark.to_string());
    }

    /// A retryable error is obeyed: the client sends what was refused again after the time that it names.
    fn refused(&mut self, frame: &[u8]) {
        if frame::code(frame) == b"unavailable" && frame::retry_after_ms(frame).is_some() {
            self.shared.refused.fetch_add(1, Relaxed);
        } else {
            self.shared.complain(|| String::from_utf8_lossy(frame).into_owned());
        }
    }

    fn note(&mut self, frame: &[u8]) {
        match frame::kind(frame) {
            b"reset" => self.shared.complain(|| format!("{} {}", self.name, String::from_utf8_lossy(frame))),
            b"message" | b"stored" => _ = self.shared.strays.fetch_add(1, Relaxed),
            _ => {}
        }
    }
}
