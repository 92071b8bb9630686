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
pub(super) struct Ticket {
    session: ActorRef<Timed<SessionMsg>>,
    socket: SocketId,
    answered: bool,
    _credit: Credit,
}

impl Ticket {
    pub(super) fn new(session: ActorRef<Timed<SessionMsg>>, socket: SocketId, credit: Credit) -> Self {
        metrics().in_flight.increment(1);
        Self { session, socket, answered: false, _credit: credit }
    }

    /// The message is committed and on its way; the sender sees it come back.
    pub(super) fn confirm(mut self) {
        self.answered = true;
    }

    /// The message was not accepted.
    pub(super) fn refuse(mut self, error: FrameError) {
        self.answer(error);
    }

    fn answer(&mut self, error: FrameError) {
        self.answered = true;
        cast(&self.session, SessionMsg::Failed { socket: self.socket, error });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        metrics().in_flight.decrement(1);
        if !self.answered {
            self.answer(FrameError::unavailable(RETRY_AFTER_MS));
        }
    }
}
