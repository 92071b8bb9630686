//! What a device does with what comes.

use std::sync::atomic::Ordering::Relaxed;

use anyhow::Result;

use super::book::Heard;
use super::device::{Device, Kept};
use crate::clock;
use crate::frame::{self, Cursor};
use crate::letter::{Mark, Seen, scan};
use crate::socket::Socket;

impl Device {
    /// Keeps what has come; whether `live` was among it.
    pub(super) fn take(&mut self, socket: &mut Socket) -> Result<bool> {
        let mut is_live = false;
        while let Some(frame) = socket.next()? {
            let event = frame::event(frame);
            if let (Some(seq), Some(cursor)) = (event, &mut self.cursor)
                && !cursor.advance(seq)
            {
                self.shared.disorder.fetch_add(1, Relaxed);
                self.shared.complain(|| format!("not in order: {}", String::from_utf8_lossy(frame)));
            }
            match scan(frame) {
                Seen::Received(mark) => self.keep(event, mark),
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
                Seen::Live => is_live = true,
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
    }

    /// A retryable error is obeyed: what is on its way is sent again after the time that it names.
    fn refused(&mut self, frame: &[u8]) {
        let wait_ms = frame::retry_after_ms(frame);
        let Some(wait_ms) = wait_ms.filter(|_| frame::code(frame) == b"unavailable") else {
            self.shared.complain(|| String::from_utf8_lossy(frame).into_owned());
            return;
        };
        self.shared.refused.fetch_add(1, Relaxed);
        self.not_before = clock::now() + wait_ms * 1_000_000;
        for outbox in &mut self.outboxes {
            self.shared.resent.fetch_add(outbox.give_up().into(), Relaxed);
        }
    }

    fn note(&mut self, frame: &[u8]) {
        match frame::kind(frame) {
            b"hello" if self.cursor.is_none() => self.cursor = Cursor::of(frame),
            b"reset" => self.shared.complain(|| format!("{} {}", self.name, String::from_utf8_lossy(frame))),
            b"message" | b"stored" => _ = self.shared.strays.fetch_add(1, Relaxed),
            _ => {}
        }
    }
}
