//! What a command carries while it waits for its commit: whom to answer, and the credit it holds.

use std::sync::Arc;

use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::actors::mailbox::{Timed, cast};
use crate::actors::session::SessionMsg;
use crate::actors::session::credit::Credit;
use crate::domain::{Answer, SocketId, UserId};
use crate::protocol::FrameError;
use crate::protocol::v1::Context;
use crate::telemetry::metrics;

/// When a sender whose command was lost on the way should try again.
pub(in crate::actors) const RETRY_AFTER_MS: u64 = 1000;

/// The way back to the one who asked. Dropped unanswered, wherever that happens, it tells them to try again: nobody waits for
/// ever because an actor died.
pub(in crate::actors) struct PendingReply(Option<Way>);

enum Way {
    Socket { session: ActorRef<Timed<SessionMsg>>, origin: Origin },
    Caller { caller: oneshot::Sender<Result<Answer, FrameError>>, _permit: RequestPermit },
    Nobody { _permit: RequestPermit },
}

/// The right of a request to have commands on their way, held until the last of them is answered.
pub type RequestPermit = Arc<OwnedSemaphorePermit>;

/// Which frame of which socket is answered.
#[derive(Debug)]
pub(in crate::actors) struct Origin {
    pub(in crate::actors) user: UserId,
    pub(in crate::actors) socket: SocketId,
    /// Counts the socket's commands.
    pub(in crate::actors) ordinal: u64,
    /// What the answer repeats.
    pub(in crate::actors) context: Context,
    /// Given back when the answer is written.
    pub(in crate::actors) credit: Credit,
}

/// An answer on its way to a socket.
#[derive(Debug)]
pub(in crate::actors) struct Reply {
    pub(in crate::actors) origin: Origin,
    pub(in crate::actors) answer: Answer,
}

impl PendingReply {
    pub(in crate::actors) fn socket(session: ActorRef<Timed<SessionMsg>>, origin: Origin) -> Self {
        metrics().in_flight.increment(1);
        Self(Some(Way::Socket { session, origin }))
    }

    pub(in crate::actors) fn caller(
        caller: oneshot::Sender<Result<Answer, FrameError>>,
        permit: RequestPermit,
    ) -> Self {
        metrics().in_flight.increment(1);
        Self(Some(Way::Caller { caller, _permit: permit }))
    }

    /// Nobody waits for an answer.
    pub(in crate::actors) fn nobody(permit: RequestPermit) -> Self {
        metrics().in_flight.increment(1);
        Self(Some(Way::Nobody { _permit: permit }))
    }

    /// The command is committed. A socket's answer takes the way of its events, in their order. A caller is answered when these
    /// are on their way ([`Told::tell`]), so that a socket which the caller opens then is not shown what it has just been told.
    pub(in crate::actors) fn confirm(mut self, answer: Answer) -> Confirmed {
        match self.take() {
            Some(Way::Socket { mut origin, .. }) => {
                origin.credit.release_bytes();
                Confirmed::Socket(Reply { origin, answer })
            }
            way => Confirmed::Other(Told { way, answer }),
        }
    }

    /// The command was not accepted.
    pub(in crate::actors) fn refuse(mut self, error: FrameError) {
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
            Some(Way::Socket { session, origin }) => cast(&session, SessionMsg::Failed { origin, error }),
            Some(Way::Caller { caller, .. }) => {
                let _ = caller.send(Err(error));
            }
            Some(Way::Nobody { .. }) | None => {}
        }
    }
}

/// The answer of a command that is committed.
pub(in crate::actors) enum Confirmed {
    Socket(Reply),
    Other(Told),
}

/// An answer for a caller, or for nobody.
pub(in crate::actors) struct Told {
    way: Option<Way>,
    answer: Answer,
}

impl Told {
    pub(in crate::actors) fn tell(self) {
        if let Some(Way::Caller { caller, .. }) = self.way {
            // The one who asked may have gone.
            let _ = caller.send(Ok(self.answer));
        }
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.answer(FrameError::unavailable(RETRY_AFTER_MS));
    }
}
