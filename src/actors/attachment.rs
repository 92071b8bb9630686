//! A socket and its session: what the pump holds of the session, and what the session holds of the socket.

use std::sync::Arc;

use ractor::ActorRef;
use tokio_util::task::AbortOnDropHandle;

use super::credit::Credit;
use super::mailbox::{Timed, cast};
use super::outbox::{CloseReason, Letter, OutboxEnd, OutboxSender};
use super::presence::PresenceHandle;
use super::replay::{Greeting, Opening, Replays};
use super::session::SessionMsg;
use super::stream::{Stream, Turn};
use super::ticket::{From, Reply};
use crate::domain::{Command, DeviceId, Event, EventBody, LoginId, SocketId, UserId};
use crate::protocol::v1::{self, Context};
use crate::protocol::{Frame, FrameError, legacy};
use crate::telemetry::metrics;

/// A socket that is about to be opened.
pub struct NewSocket {
    /// Its id.
    pub id: SocketId,
    /// The login session it lives in.
    pub login: LoginId,
    /// Where its frames go.
    pub outbox: OutboxEnd,
    /// What a `fluent.v1` client has said about itself; `None` in the legacy dialect.
    pub opening: Option<Opening>,
}

/// A socket's place in its session; dropped, it is given up.
pub struct Attachment {
    session: ActorRef<Timed<SessionMsg>>,
    socket: SocketId,
    user: UserId,
    presence: PresenceHandle,
}

impl Attachment {
    pub(super) fn new(
        session: ActorRef<Timed<SessionMsg>>,
        socket: SocketId,
        user: UserId,
        presence: PresenceHandle,
    ) -> Self {
        Self { session, socket, user, presence }
    }

    /// Hands over a command from this socket. It is answered with what `context` names, once it is carried out or refused.
    pub fn submit(&self, command: Command, context: Context, credit: Credit) {
        cast(&self.session, SessionMsg::Inbound { socket: self.socket, command, context, credit });
    }

    /// The user is writing to somebody, or has stopped.
    pub fn typing(&self, to: UserId, active: bool, credit: Credit) {
        self.presence.typing(self.user, to, active, credit);
    }

    /// From now on this socket is told who of these users is online, and of nobody else.
    pub fn watch(&self, users: Vec<UserId>, credit: Credit) {
        cast(&self.session, SessionMsg::Watch { socket: self.socket, users, credit });
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        cast(&self.session, SessionMsg::Detach(self.socket));
    }
}

/// A socket as its session has it.
pub(super) struct SessionSocket {
    pub(super) id: SocketId,
    pub(super) login: LoginId,
    pub(super) device: Option<DeviceId>,
    pub(super) is_background: bool,
    /// Whose presence it is told.
    pub(super) watching: Vec<UserId>,
    outbox: OutboxSender,
    user: UserId,
    /// None in the legacy dialect.
    stream: Option<Stream>,
    replay: Option<AbortOnDropHandle<()>>,
}

impl SessionSocket {
    pub(super) fn new(
        socket: NewSocket,
        session: &ActorRef<Timed<SessionMsg>>,
        user: UserId,
        replays: &Arc<Replays>,
    ) -> Self {
        let NewSocket { id, login, outbox: OutboxEnd(outbox), opening } = socket;
        let device = opening.as_ref().map(|opening| opening.device.clone());
        let is_background = opening.as_ref().is_some_and(|opening| opening.is_background);
        let stream = opening.is_some().then(|| Stream::new(user, replays.seam));
        let replay = opening.map(|opening| replays.open(session.clone(), user, id, opening));
        Self { id, login, device, is_background, watching: Vec::new(), outbox, user, stream, replay }
    }

    /// A number for its next command.
    pub(super) fn command(&mut self) -> u64 {
        self.stream.as_mut().map_or(0, Stream::command)
    }

    /// False when the socket is being closed, as in all that follow.
    pub(super) fn event(&mut self, event: &Arc<Event>, reply: Option<Reply>) -> bool {
        match &mut self.stream {
            Some(stream) => {
                let letters = stream.event(event, reply);
                self.push_all(letters)
            }
            None => match &event.body {
                EventBody::Message(message) => match legacy::message(message, self.user) {
                    Some(frame) => {
                        let credit = reply.map(|reply| reply.from.credit);
                        self.outbox.push(Letter { credit, ..Letter::from(frame) })
                    }
                    None => true,
                },
                _ => true,
            },
        }
    }

    pub(super) fn answer(&mut self, reply: Reply) -> bool {
        let letters = self.stream.as_mut().map(|stream| stream.answer(reply)).unwrap_or_default();
        self.push_all(letters)
    }

    /// A command of this socket was refused.
    pub(super) fn fail(&mut self, from: From, error: &FrameError) -> bool {
        metrics().frame_error(error.code.as_str());
        let (frame, more, is_complaint) = match &mut self.stream {
            // What was asked for in order is no bad frame: a whole outbox may be refused when a partner leaves.
            Some(stream) => (v1::error(error, &from.context), stream.refused(from.ordinal), false),
            None => (legacy::error(error), Vec::new(), !error.code.is_retryable()),
        };
        let letter = Letter { credit: Some(from.credit), is_complaint, ..Letter::from(frame) };
        self.push_all([letter].into_iter().chain(more))
    }

    pub(super) fn greet(&mut self, greeting: Greeting) -> bool {
        let Greeting { frames, epoch, since } = greeting;
        if let Some(stream) = &mut self.stream {
            stream.begin(epoch, since);
        }
        self.push_all(frames.into_iter().map(Letter::from))
    }

    pub(super) fn page(&mut self, turn: Turn) -> bool {
        let letters = self.stream.as_mut().map(|stream| stream.page(turn)).unwrap_or_default();
        self.push_all(letters)
    }

    pub(super) fn recovered(&mut self, event: &Arc<Event>) -> bool {
        self.stream.is_some() || self.event(event, None)
    }

    pub(super) fn resync(&mut self, replays: &Arc<Replays>, session: &ActorRef<Timed<SessionMsg>>) -> bool {
        if let Some(since) = self.stream.as_mut().and_then(Stream::fall_behind) {
            self.replay = Some(replays.resume(session.clone(), self.user, self.id, since));
        }
        true
    }

    /// A frame that nobody misses, for sockets that have caught up.
    pub(super) fn whisper(&mut self, frame: &Frame) -> bool {
        match &self.stream {
            Some(stream) if stream.is_live() => self.outbox.push_if_roomy(frame.clone()),
            _ => true,
        }
    }

    /// A frame that this socket has asked for, and that nobody misses.
    pub(super) fn tell(&mut self, frame: &Frame) -> bool {
        self.outbox.push_if_roomy(frame.clone())
    }

    fn push_all(&mut self, letters: impl IntoIterator<Item = Letter>) -> bool {
        let is_open = letters.into_iter().all(|letter| self.outbox.push(letter));
        if self.stream.as_ref().is_some_and(Stream::is_live) {
            self.replay = None;
        }
        is_open
    }

    pub(super) fn close(&mut self, reason: CloseReason) {
        self.outbox.close(reason);
    }
}

#[cfg(test)]
mod tests {
    use ractor::{Actor, ActorProcessingErr};

    use super::*;
    use crate::actors::mailbox::Slot;

    /// A session that does nothing.
    struct Nobody;

    impl Actor for Nobody {
        type Msg = Timed<SessionMsg>;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<Self::Msg>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
    }

    impl Attachment {
        /// A place in a session that does nothing.
        pub(crate) async fn to_nobody() -> Self {
            let (session, _) = Actor::spawn(None, Nobody, ()).await.unwrap();
            Self::new(session, SocketId(1), UserId(1), PresenceHandle(Slot::empty()))
        }
    }
}
