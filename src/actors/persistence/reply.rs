//! The way back from a command to its sender, and what it holds until then.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::actors::session::messages::SessionHandle;
use crate::actors::session::origin::{Origin, Reply};
use crate::domain::{Answer, SocketId};
use crate::protocol::FrameError;
use crate::telemetry::{RequestId, metrics};

/// Milliseconds after which a sender whose command was lost on the way should try again.
pub(in crate::actors) const RETRY_AFTER_MS: u64 = 1000;

/// The right of a request to have commands on their way, held until the last of them is answered. Clones share it.
#[derive(Clone)]
pub struct RequestPermit(Arc<HeldPermit>);

struct HeldPermit {
    _permit: OwnedSemaphorePermit,
    /// The request; `None` for what the server does by itself.
    request: Option<RequestId>,
    /// Its span.
    #[cfg(feature = "otlp")]
    span: tracing::Span,
}

impl RequestPermit {
    /// The right of the request that this task works for.
    #[must_use]
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self(Arc::new(HeldPermit {
            _permit: permit,
            request: RequestId::current(),
            #[cfg(feature = "otlp")]
            span: tracing::Span::current(),
        }))
    }
}

/// The reply that a command will get. Dropped without one, wherever that happens, it tells the sender to try again: no
/// sender waits for ever because an actor died.
pub(in crate::actors) struct PendingReply(Option<Way>);

enum Way {
    Socket { session: SessionHandle, origin: Origin },
    Caller { caller: oneshot::Sender<Result<Answer, FrameError>>, permit: RequestPermit },
    Unattended { permit: RequestPermit },
}

impl PendingReply {
    /// Makes a reply for a socket.
    pub(in crate::actors) fn socket(session: SessionHandle, origin: Origin) -> Self {
        Self::new(Way::Socket { session, origin })
    }

    /// Makes a reply for a request.
    pub(in crate::actors) fn caller(
        caller: oneshot::Sender<Result<Answer, FrameError>>,
        permit: RequestPermit,
    ) -> Self {
        Self::new(Way::Caller { caller, permit })
    }

    /// Makes a reply that no caller waits for.
    pub(in crate::actors) fn unattended(permit: RequestPermit) -> Self {
        Self::new(Way::Unattended { permit })
    }

    fn new(way: Way) -> Self {
        metrics().store.in_flight.rise();
        Self(Some(way))
    }

    /// Takes the answer of a command that is committed. A socket's answer takes the way of its events, in their order.
    /// A caller is answered when these are on their way ([`CallerReply::send`]), so that a socket which the caller
    /// opens then is not shown what the caller already knows.
    pub(in crate::actors) fn confirm(mut self, answer: Answer) -> Confirmed {
        match self.take() {
            Some(Way::Socket { mut origin, .. }) => {
                origin.credit.release_bytes();
                Confirmed::Socket(Reply { origin, answer })
            }
            way => Confirmed::Other(CallerReply { way, answer }),
        }
    }

    /// Sends the refusal of a command.
    pub(in crate::actors) fn refuse(mut self, error: FrameError) {
        self.send_error(error);
    }

    /// Returns the request whose command it is, if one is.
    pub(super) fn request(&self) -> Option<&RequestId> {
        match &self.0 {
            Some(Way::Caller { permit, .. } | Way::Unattended { permit }) => permit.0.request.as_ref(),
            Some(Way::Socket { .. }) | None => None,
        }
    }

    /// Returns the span of the request whose command it is, if one is.
    #[cfg(feature = "otlp")]
    pub(super) fn request_span(&self) -> Option<&tracing::Span> {
        match &self.0 {
            Some(Way::Caller { permit, .. } | Way::Unattended { permit }) => Some(&permit.0.span),
            Some(Way::Socket { .. }) | None => None,
        }
    }

    /// Returns the socket whose command it is, if one is.
    pub(super) fn socket_id(&self) -> Option<SocketId> {
        match &self.0 {
            Some(Way::Socket { origin, .. }) => Some(origin.socket),
            Some(Way::Caller { .. } | Way::Unattended { .. }) | None => None,
        }
    }

    fn take(&mut self) -> Option<Way> {
        let way = self.0.take();
        if way.is_some() {
            metrics().store.in_flight.fall();
        }
        way
    }

    fn send_error(&mut self, error: FrameError) {
        match self.take() {
            Some(Way::Socket { session, origin }) => session.refuse(origin, error),
            Some(Way::Caller { caller, .. }) => {
                let _ = caller.send(Err(error));
            }
            Some(Way::Unattended { .. }) | None => {}
        }
    }
}

/// The answer of a command that is committed.
pub(in crate::actors) enum Confirmed {
    Socket(Reply),
    Other(CallerReply),
}

/// An answer for a request, or for none.
pub(in crate::actors) struct CallerReply {
    way: Option<Way>,
    answer: Answer,
}

impl CallerReply {
    pub(in crate::actors) fn send(self) {
        if let Some(Way::Caller { caller, .. }) = self.way {
            // The caller may have been dropped.
            let _ = caller.send(Ok(self.answer));
        }
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        self.send_error(FrameError::unavailable(RETRY_AFTER_MS));
    }
}
