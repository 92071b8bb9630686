//! A socket as its session knows it: its login and device, its queue, and its stream of events.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::messages::{Resync, SessionHandle};
use super::new_socket::NewSocket;
use super::origin::{Origin, Reply};
use super::replay::Replays;
use super::send_queue::QueueSender;
use super::socket_stream::SocketStream;
use super::stream::{Greeting, PageInHand};
use crate::domain::{DeviceId, Event, LoginId, Seq, SocketId, UserId, Viewer};
use crate::protocol::{CloseReason, Frame, FrameError};
use crate::push::Who;
use crate::telemetry::{Ephemeral, ReadAt, metrics};

/// Messages that a device has not acknowledged.
#[derive(Clone, Copy)]
struct Unconfirmed {
    newest: Seq,
    /// When the first of them was sent.
    since: Instant,
}

/// One live socket. Its methods return false when the socket is being closed.
pub(super) struct SessionSocket {
    pub(super) id: SocketId,
    pub(super) login: LoginId,
    pub(super) device: Option<DeviceId>,
    pub(super) is_background: bool,
    /// The users whose presence it is shown.
    pub(super) watching: Vec<UserId>,
    queue: QueueSender,
    stream: SocketStream,
    /// The messages that the device has not acknowledged.
    unconfirmed: Option<Unconfirmed>,
}

impl SessionSocket {
    pub(super) fn new(socket: NewSocket, session: &SessionHandle, viewer: Viewer, replays: &Arc<Replays>) -> Self {
        let NewSocket { id, login, queue, opening, above, stamp: _ } = socket;
        let device = opening.as_ref().map(|opening| opening.device.clone());
        let is_background = opening.as_ref().is_some_and(|opening| opening.is_background);
        let stream = SocketStream::open((opening, above), session, viewer, id, replays);
        Self { id, login, device, is_background, watching: Vec::new(), queue, stream, unconfirmed: None }
    }

    /// Returns by which name the device may be registered to be woken.
    pub(super) fn who(&self) -> Who {
        self.device.clone().map_or(Who::Legacy(self.login), Who::Device)
    }

    /// Notes that the socket was sent a message that must be acknowledged.
    pub(super) fn note_message(&mut self, seq: Seq) {
        let unconfirmed = self.unconfirmed.get_or_insert(Unconfirmed { newest: seq, since: Instant::now() });
        unconfirmed.newest = unconfirmed.newest.max(seq);
    }

    /// Notes that the device has everything up to this event.
    pub(super) fn confirm(&mut self, up_to: Seq) {
        self.unconfirmed = self.unconfirmed.filter(|unconfirmed| unconfirmed.newest > up_to);
    }

    /// Returns the message up to which a device without names has everything: what is written counts.
    pub(super) fn written(&mut self) -> Option<Seq> {
        let is_written = self.stream.is_legacy() && self.queue.is_written();
        self.unconfirmed.take_if(|_| is_written).map(|unconfirmed| unconfirmed.newest)
    }

    /// Returns the newest message that the device had to acknowledge by now and has not. It is not asked again.
    pub(super) fn overdue(&mut self, within: Duration) -> Option<Seq> {
        let may_be_heard = !self.stream.waits_for_writer();
        let overdue = self.unconfirmed.take_if(|since| may_be_heard && since.since.elapsed() >= within);
        overdue.map(|unconfirmed| unconfirmed.newest)
    }

    /// Returns whether the socket speaks the legacy dialect.
    pub(super) fn is_legacy(&self) -> bool {
        self.stream.is_legacy()
    }

    /// Returns whether there is something to acknowledge.
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed.is_some()
    }

    /// Returns the number of its next command.
    pub(super) fn number_command(&mut self) -> u64 {
        self.stream.number_command()
    }

    /// Sends an event, or the reply that takes its place.
    pub(super) fn event(&mut self, event: &Arc<Event>, reply: Option<Reply>, read_at: Option<ReadAt>) -> bool {
        self.stream.event(&mut self.queue, event, reply, read_at)
    }

    /// Sends a reply without an event.
    pub(super) fn answer(&mut self, reply: Reply) -> bool {
        self.stream.answer(&mut self.queue, reply)
    }

    /// Sends the refusal of a command.
    pub(super) fn refuse(&mut self, origin: Origin, error: &FrameError) -> bool {
        metrics().sockets.refused(error.code.as_str());
        self.stream.refuse(&mut self.queue, origin, error)
    }

    /// Sends the first frames.
    pub(super) fn greet(&mut self, greeting: Greeting) -> bool {
        self.stream.greet(&mut self.queue, greeting)
    }

    /// Sends a page of events that the socket has missed.
    pub(super) fn page(&mut self, page: PageInHand) -> bool {
        self.stream.page(&mut self.queue, page)
    }

    /// Sends a message whose commit was in doubt, to a socket that cannot ask the store.
    pub(super) fn recovered(&mut self, event: &Arc<Event>) -> bool {
        self.stream.recovered(&mut self.queue, event)
    }

    /// Brings the socket up to date from the store, or closes it when that cannot be done.
    pub(super) fn resync(&mut self, replays: &Arc<Replays>, session: &SessionHandle, why: Resync) -> bool {
        match self.stream.resync(replays, session, self.id, why) {
            Ok(()) => true,
            Err(reason) => {
                self.close(reason);
                false
            }
        }
    }

    /// Sends a frame that may be lost, if the socket can read it and has caught up.
    pub(super) fn send_ephemeral(&mut self, frame: &Frame) -> bool {
        !self.stream.takes_ephemeral() || self.queue.push_if_roomy(Ephemeral::Typing, frame.clone())
    }

    /// Sends a frame that may be lost and that this socket has asked for.
    pub(super) fn send_presence(&mut self, frame: &Frame) -> bool {
        self.queue.push_if_roomy(Ephemeral::Presence, frame.clone())
    }

    pub(super) fn close(&mut self, reason: CloseReason) {
        self.queue.close(reason);
    }
}
