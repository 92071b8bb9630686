//! What a device sends: what its client wants, what it writes, and much of it once more without need.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use fluent_client::{ClientFrame, Cursor};

use super::again::Way;
use super::device::Device;
use super::shared::Phase;
use crate::clock;
use crate::phone::{draft_of, frame_of};
use crate::socket::{Socket, text_frame};

/// The server is told this often what is kept.
const TELL: u64 = 2_000_000_000;
/// The least pause between two messages of a device once enough was written.
pub(super) const CALM: Duration = Duration::from_millis(250);

impl Device {
    /// Sends what may be sent.
    pub(super) fn send(&mut self, socket: &mut Socket, phase: Phase, is_live: bool) {
        let now = clock::now();
        if self.tell <= now {
            self.tell = now + TELL;
            let kept = self.phone.cursor().map_or(0, Cursor::seq);
            socket.queue(&text_frame(format!(r#"{{"type":"delivered","up_to_seq":{kept}}}"#).as_bytes()).0);
        }
        while let Some(frame) = self.own.due() {
            socket.queue(&frame);
        }
        if self.phone.pauses(now) {
            return;
        }
        if phase == Phase::Storm && self.writes <= now {
            self.write(socket, now, is_live);
        }
        self.send_written(socket);
    }

    /// Writes to each friend who has answered, or to one of them before a pause.
    fn write(&mut self, socket: &mut Socket, now: u64, is_live: bool) {
        let (mut at_once, mut due) = (usize::MAX, now);
        let pause = if self.shared.has_enough.load(Relaxed) { self.pause.max(CALM) } else { self.pause };
        if !pause.is_zero() {
            // Some write sooner and some later. Who was away writes then what was due meanwhile.
            let pause = clock::nanos(pause);
            due = if self.writes == 0 { now } else { self.writes };
            self.writes = due + pause / 2 + self.random.below(pause.max(1));
            self.outboxes.rotate_left(1);
            at_once = 1;
        }
        for outbox in self.outboxes.iter_mut().filter(|outbox| outbox.waiting() == 0).take(at_once) {
            outbox.write(due);
            let Some(draft) = outbox.next().and_then(draft_of) else { continue };
            if !is_live {
                socket.queue(&frame_of(&ClientFrame::Send(draft.clone())));
            }
            if let Some(timeline) = &self.shared.timeline {
                timeline.sends(&draft.client_id, self.arrival.open_since);
            }
            self.phone.write(draft);
            self.shared.sent.fetch_add(1, Relaxed);
        }
    }

    fn send_written(&mut self, socket: &mut Socket) {
        while let Some((draft, is_resend)) = self.phone.next() {
            let frame = &frame_of(&ClientFrame::Send(draft));
            socket.queue(frame);
            self.shared.resent.fetch_add(is_resend.into(), Relaxed);
            if !self.random.chance(self.permille_again) {
                continue;
            }
            let is_sent = match Way::choose(&mut self.random) {
                Way::Twice => {
                    socket.queue(frame);
                    true
                }
                Way::Sibling => self.sibling.keep(frame, &mut self.random),
                Way::Return if self.on_return.len() < 64 => {
                    self.on_return.push(frame.clone());
                    true
                }
                Way::Return => false,
                Way::Post => self.post.send(frame, &self.token, &mut self.random),
            };
            self.shared.again.fetch_add(is_sent.into(), Relaxed);
        }
    }
}
