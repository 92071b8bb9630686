//! What a message carries while it waits for its commit: whom to answer, and the credit it holds.

use ractor::ActorRef;

use super::credit::Credit;
use super::mailbox::{Timed, cast};
use super::session::SessionMsg;
use crate::domain::SocketId;
use crate::protocol::FrameError;
use crate::telemetry::metrics;

/// When a sender whose message was lost on the way should try again.
pub(super) const RETRY_AFTER_MS: u64 = 1000;

/// The way back to the sender. Dropped unanswered, wherever that happens, it tells the sender to try again: no sender waits
/// for ever because an actor died.
pub(super) struct Ticket(Option<Open>);

struct Open {
    session: ActorRef<Timed<SessionMsg>>,
    socket: SocketId,
    credit: Credit,
}

impl Ticket {
    pub(super) fn new(session: ActorRef<Timed<SessionMsg>>, socket: SocketId, credit: Credit) -> Self {
        metrics().in_flight.increment(1);
        Self(Some(Open { session, socket, credit }))
    }

    /// The message is committed, and the sender's own copy is the answer: the socket it goes to, and the credit to give back
    /// when it is written.
    pub(super) fn confirm(mut self) -> Option<(SocketId, Credit)> {
        self.0.take().map(|open| {
            metrics().in_flight.decrement(1);
            (open.socket, open.credit)
        })
    }

    /// The message was not accepted.
    pub(super) fn refuse(mut self, error: FrameError) {
        self.answer(error);
    }

    fn answer(&mut self, error: FrameError) {
        if let Some(Open { session, socket, credit }) = self.0.take() {
            metrics().in_flight.decrement(1);
            cast(&session, SessionMsg::Failed { socket, error, credit });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.answer(FrameError::unavailable(RETRY_AFTER_MS));
    }
}
