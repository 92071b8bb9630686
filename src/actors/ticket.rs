//! What a command carries while it waits for its commit: whom to answer, and the credit it holds.

use std::sync::Arc;

use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::credit::Credit;
use super::mailbox::{Timed, cast};
use super::session::SessionMsg;
use crate::domain::{Answer, SocketId, UserId};
use crate::protocol::FrameError;
use crate::protocol::v1::Context;
use crate::telemetry::metrics;

/// When a sender whose command was lost on the way should try again.
pub(super) const RETRY_AFTER_MS: u64 = 1000;

/// The way back to the one who asked. Dropped unanswered, wherever that happens, it tells them to try again: nobody waits for
/// ever because an actor died.
pub(super) struct Ticket(Option<Way>);

enum Way {
    Socket { session: ActorRef<Timed<SessionMsg>>, from: From },
    Caller { caller: oneshot::Sender<Result<Answer, FrameError>>, _turn: Turn },
    Nobody { _turn: Turn },
}

/// The right of a request to have commands on their way, held until the last of them is answered.
pub type Turn = Arc<OwnedSemaphorePermit>;

/// Which frame of which socket is answered.
#[derive(Debug)]
pub(super) struct From {
    pub(super) user: UserId,
    pub(super) socket: SocketId,
    /// Counts the socket's commands.
    pub(super) ordinal: u64,
    /// What the answer repeats.
    pub(super) context: Context,
    /// Given back when the answer is written.
    pub(super) credit: Credit,
}

/// An answer on its way to a socket.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) from: From,
    pub(super) answer: Answer,
}

impl Ticket {
    pub(super) fn socket(session: ActorRef<Timed<SessionMsg>>, from: From) -> Self {
        metrics().in_flight.increment(1);
        Self(Some(Way::Socket { session, from }))
    }

    pub(super) fn caller(caller: oneshot::Sender<Result<Answer, FrameError>>, turn: Turn) -> Self {
        metrics().in_flight.increment(1);
        Self(Some(Way::Caller { caller, _turn: turn }))
    }

    /// Nobody waits for an answer.
    pub(super) fn nobody(turn: Turn) -> Self {
        metrics().in_flight.increment(1);
        Self(Some(Way::Nobody { _turn: turn }))
    }

    /// The command is committed. A socket's answer takes the way of its events, in their order. A caller is answered when these
    /// are on their way ([`Told::tell`]), so that a socket which the caller opens then is not shown what it has just been told.
    pub(super) fn confirm(mut self, answer: Answer) -> Confirmed {
        match self.take() {
            Some(Way::Socket { mut from, .. }) => {
                from.credit.release_bytes();
                Confirmed::Socket(Reply { from, answer })
            }
            way => Confirmed::Other(Told { way, answer }),
        }
    }

    /// The command was not accepted.
    pub(super) fn refuse(mut self, error: FrameError) {
        self.answer(error);
    }

    fn take(&mut self) -> Option<Way> {
        let way = self.0.take();
        if way.is_some() {
            metrics().in_flight.decrement(1);
        }
        way
    }

    fn answer(&mut self, error: FrameError) {
        match self.take() {
            Some(Way::Socket { session, from }) => cast(&session, SessionMsg::Failed { from, error }),
            Some(Way::Caller { caller, .. }) => {
                let _ = caller.send(Err(error));
            }
            Some(Way::Nobody { .. }) | None => {}
        }
    }
}

/// The answer of a command that is committed.
pub(super) enum Confirmed {
    Socket(Reply),
    Other(Told),
}

/// An answer for a caller, or for nobody.
pub(super) struct Told {
    way: Option<Way>,
    answer: Answer,
}

impl Told {
    pub(super) fn tell(self) {
        if let Some(Way::Caller { caller, .. }) = self.way {
            // The one who asked may have gone.
            let _ = caller.send(Ok(self.answer));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.answer(FrameError::unavailable(RETRY_AFTER_MS));
    }
}
